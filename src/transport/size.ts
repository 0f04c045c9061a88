/** Text is measured in pieces of this many bytes: 16 KiB. A copy of the whole would cost more than reading the message does. */
const pieceBytes = 16_384;

/**
 * Is one inbound message larger than allowed? Knows text, buffers and blobs; anything else has no size.
 *
 * A UTF-16 unit is one to three bytes of UTF-8, so almost no text has to be encoded to be measured.
 */
export function isLarger(data: unknown, maxBytes: number): boolean {
  if (typeof data === 'string') {
    return data.length * 3 > maxBytes && (data.length > maxBytes || isLongerText(data, maxBytes));
  }
  const { byteLength, size } = (data ?? {}) as { readonly byteLength?: number; readonly size?: number };
  return (byteLength ?? size ?? 0) > maxBytes;
}

function isLongerText(text: string, maxBytes: number): boolean {
  const encoder = new TextEncoder();
  const piece = new Uint8Array(pieceBytes);
  let bytes = 0;
  for (let at = 0; at < text.length && bytes <= maxBytes; ) {
    const { read, written } = encoder.encodeInto(text.slice(at), piece);
    at += read;
    bytes += written;
  }
  return bytes > maxBytes;
}

/** Text is measured in pieces of this many bytes: 16 KiB. A copy of the whole would cost more than reading the message does. */
const pieceBytes = 16_384;

/**
 * Is one inbound message larger than allowed? Knows text, buffers and blobs; anything else has no size.
 *
 * A UTF-16 unit is one to three bytes of UTF-8, so almost no text has to be encoded to be measured.
 */
export function isLarger(data: unknown, maxBytes: number): boolean {
  if (typeof data === 'string') {
    if (data.length * 3 <= maxBytes) return false;
    const piece = new Uint8Array(pieceBytes);
    let bytes = 0;
    for (let at = 0; at < data.length && bytes <= maxBytes; ) {
      const { read, written } = new TextEncoder().encodeInto(data.slice(at), piece);
      at += read;
      bytes += written;
    }
    return bytes > maxBytes;
  }
  const { byteLength, size } = (data ?? {}) as { readonly byteLength?: number; readonly size?: number };
  return (byteLength ?? size ?? 0) > maxBytes;
}

/**
 * Is one inbound message larger than allowed? Knows text, buffers and blobs; anything else has no size.
 *
 * A UTF-16 unit is one to three bytes of UTF-8, so almost no text has to be encoded to be measured.
 */
export function isLarger(data: unknown, maxBytes: number): boolean {
  if (typeof data === 'string') {
    if (data.length * 3 <= maxBytes) return false;
    return data.length > maxBytes || new TextEncoder().encode(data).byteLength > maxBytes;
  }
  const { byteLength, size } = (data ?? {}) as { readonly byteLength?: number; readonly size?: number };
  return (byteLength ?? size ?? 0) > maxBytes;
}

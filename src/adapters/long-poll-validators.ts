/**
 * The request headers that ask for an answer only if it differs from this one.
 *
 * A date cannot tell apart two changes within its second, so it counts only when the answer is at least a second younger
 * by the server's own clock (RFC 9110, section 8.8.2.2). `fetch` would add `Cache-Control: no-cache`, with which Express
 * and others never answer 304; `max-age=0` says the same to the caches on the way.
 */
export function validatorsOf({ headers }: Response): Record<string, string> {
  const etag = headers.get('etag');
  const modified = headers.get('last-modified');
  const ageMs = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '');
  const cache = { 'cache-control': 'max-age=0' };
  if (etag !== null) return { ...cache, 'if-none-match': etag };
  return modified !== null && ageMs >= 1000 ? { ...cache, 'if-modified-since': modified } : {};
}

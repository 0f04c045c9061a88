/** A number in [0, 1), uniformly spread. Only for jitter: ids come from {@link IdSource}. */
export type Random = () => number;

/** Makes an id that nobody else makes: at least 122 random bits. */
export type IdSource = () => string;

/** `Math.random`. */
export const systemRandom: Random = () => Math.random();

/**
 * Ids from the platform's cryptographic random source. `crypto.randomUUID` exists only in secure contexts, and keepwire
 * must also run on plain http in a local network, so the id is written from `getRandomValues`.
 */
export const systemIds: IdSource = () => {
  let id = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += byte.toString(16).padStart(2, '0');
  return id;
};

/** Shows an error that nobody listens for, so that it is not lost: on the console, as an uncaught one would be. */
export function reportUnheard(error: unknown): void {
  console.error(error);
}

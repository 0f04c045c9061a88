/** Calls back once, before the next picture is painted. The answer cancels it, and may be called at any time. */
export type Frames = (callback: () => void) => () => void;

/** About a frame at 60 pictures a second, for platforms that paint none. */
const frameMs = 16;
/** A hidden page is not painted; what waits for a picture gets its turn after this long all the same. */
const hiddenMs = 250;

/** `requestAnimationFrame`, with a timer beside it for hidden pages, and a timer alone where there is no page. */
export const systemFrames: Frames = (callback) => {
  const scope = globalThis as Partial<Pick<typeof globalThis, 'requestAnimationFrame' | 'cancelAnimationFrame'>>;
  const frame = scope.requestAnimationFrame?.(call);
  const timer = setTimeout(call, frame === undefined ? frameMs : hiddenMs);
  function cancel(): void {
    clearTimeout(timer);
    if (frame !== undefined) scope.cancelAnimationFrame?.(frame);
  }
  function call(): void {
    cancel();
    callback();
  }
  return cancel;
};

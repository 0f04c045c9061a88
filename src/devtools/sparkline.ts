import { draw, make, setAttribute, setText } from './dom.ts';

/** The last round trips as a line. */
export interface Sparkline {
  readonly element: HTMLElement;
  /** Takes a round trip in milliseconds, and draws. */
  add(latencyMs: number): void;
}

/** So many round trips are shown. */
const mostValues = 60;
const fewValues = 15;
const width = 88;
const height = 20;

/** Makes an empty one; it is hidden until there are two values. */
export function makeSparkline(): Sparkline {
  const line = draw('path', { class: 'line', 'vector-effect': 'non-scaling-stroke' });
  const drawing = draw('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' }, line);
  const words = make('span', { class: 'hidden' });
  const element = make('span', { class: 'sparkline', hidden: '' }, drawing, words);
  const values: number[] = [];

  return {
    element,
    add(latencyMs) {
      values.push(latencyMs);
      if (values.length > mostValues) values.shift();
      if (values.length < 2) return;
      element.hidden = false;
      const highest = Math.max(...values, 1);
      // a few values are not pressed into a corner
      const places = Math.max(values.length, fewValues);
      const step = width / (places - 1);
      const first = places - values.length;
      const points = values.map((value, index) => {
        const x = ((first + index) * step).toFixed(1);
        return `${x} ${(height - 2 - (value / highest) * (height - 4)).toFixed(1)}`;
      });
      setAttribute(line, 'd', `M${points.join('L')}`);
      setText(words, `Round trips between ${Math.round(Math.min(...values))} and ${Math.round(highest)} milliseconds`);
      element.title = words.textContent ?? '';
    },
  };
}

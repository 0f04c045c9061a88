import { connectionGraph, type PhaseEdge } from 'keepwire';
import { draw, make, setAttribute, setText } from './dom.ts';
import { phaseOf, type Section } from './view.ts';

/** Where the phases stand in the drawing; one that is not here stands in a row of its own. */
const places: Readonly<Record<string, readonly [x: number, y: number]>> = {
  idle: [70, 42],
  connecting: [250, 42],
  open: [430, 42],
  held: [70, 168],
  waiting: [250, 168],
  ended: [430, 168],
};
const [boxWidth, boxHeight] = [104, 34];

/** The state machine of the connection, drawn from its own table, with the state of now lit and its ways out in words. */
export function makeStates(): Section {
  const { phases, edges } = connectionGraph();
  const placed = phases.map((phase, index) => ({ phase, at: places[phase] ?? ([70 + index * 120, 250] as const) }));
  const placeOf = (phase: string): readonly [number, number] => placed.find((node) => node.phase === phase)?.at ?? [0, 0];
  const boxes = new Map(placed.map(({ phase, at }) => [phase, boxOf(phase, at)]));
  const lines = edges.map((edge) => ({ edge, line: lineOf(edge, placeOf) }));
  const arrow = draw(
    'marker',
    { id: 'arrow', viewBox: '0 0 8 8', refX: '7', refY: '4', markerWidth: '7', markerHeight: '7', orient: 'auto-start-reverse' },
    draw('path', { d: 'M0 0 8 4 0 8Z', class: 'arrow' }),
  );
  const drawing = draw(
    'svg',
    { class: 'states', viewBox: '0 0 500 210', role: 'img', 'aria-label': 'The states of the connection' },
    draw('defs', {}, arrow),
    ...lines.map(({ line }) => line),
    ...boxes.values(),
  );
  const words = make('p', { class: 'now' });
  const ways = make('ul', { class: 'ways' });
  let last: string | undefined;

  return {
    title: 'State',
    element: make('div', { class: 'split' }, drawing, make('div', {}, words, ways)),
    update({ status }) {
      const phase = phaseOf(status);
      const details = [
        status.holds.length > 0 ? `held by ${status.holds.join(', ')}` : '',
        status.reason === undefined ? '' : status.reason.message,
      ].filter((text) => text !== '');
      setText(words, [`Now: ${phase}`, ...details].join(' · '));
      if (phase === last) return;
      last = phase;
      for (const [name, box] of boxes) setAttribute(box, 'class', name === phase ? 'state lit' : 'state');
      for (const { edge, line } of lines) {
        setAttribute(line, 'class', edge.from === phase ? 'way lit' : 'way');
        // drawn last, so that nothing lies over it
        if (edge.from === phase) line.parentNode?.insertBefore(line, boxes.values().next().value ?? null);
      }
      const leaving = edges.filter((edge) => edge.from === phase);
      ways.replaceChildren(...leaving.map(({ to, events }) => make('li', {}, make('b', {}, to), ` by ${events.join(', ')}`)));
    },
  };
}

function boxOf(phase: string, [x, y]: readonly [number, number]): SVGGElement {
  const box = {
    x: String(x - boxWidth / 2),
    y: String(y - boxHeight / 2),
    width: String(boxWidth),
    height: String(boxHeight),
    rx: '8',
  };
  return draw('g', { class: 'state' }, draw('rect', box), draw('text', { x: String(x), y: String(y + 5) }, phase));
}

/** A way as a bow, so that the one back does not lie on it. */
function lineOf({ from, to, events }: PhaseEdge, placeOf: (phase: string) => readonly [number, number]): SVGPathElement {
  const [x1, y1] = placeOf(from);
  const [x2, y2] = placeOf(to);
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.hypot(dx, dy) || 1;
  // over a box that lies between
  const bow = dy === 0 && Math.abs(dx) > 200 ? 44 : 14;
  const [cx, cy] = [(x1 + x2) / 2 + (dy / length) * bow, (y1 + y2) / 2 - (dx / length) * bow];
  const [sx, sy] = borderTowards(x1, y1, cx, cy);
  const [ex, ey] = borderTowards(x2, y2, cx, cy);
  const path = draw('path', {
    class: 'way',
    d: `M${sx.toFixed(1)} ${sy.toFixed(1)}Q${cx.toFixed(1)} ${cy.toFixed(1)} ${ex.toFixed(1)} ${ey.toFixed(1)}`,
    'marker-end': 'url(#arrow)',
  });
  path.append(draw('title', {}, `${from} to ${to}: ${events.join(', ')}`));
  return path;
}

/** The point on the border of a box in the direction of another point. */
function borderTowards(x: number, y: number, tx: number, ty: number): [number, number] {
  const [dx, dy] = [tx - x, ty - y];
  const scale = Math.min(
    dx === 0 ? Infinity : boxWidth / 2 / Math.abs(dx),
    dy === 0 ? Infinity : boxHeight / 2 / Math.abs(dy),
    1,
  );
  return [x + dx * scale, y + dy * scale];
}

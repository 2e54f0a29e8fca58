/** A curve of very many points as a path of few: those that a reader could see the lack of. */

import { fixed } from './look.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** In units of the drawing: half of the width of a line. What is left out is nearer to the line than this. */
const toleranceUnits = 0.4;

/** The `d` of a path, by the algorithm of Ramer, Douglas and Peucker (1972, 1973). */
export function linePath(points: readonly Point[]): string {
  return simplified(points)
    .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${fixed(x)} ${fixed(y)}`)
    .join(' ');
}

/** Both ends stay, and of what is between them every point that is further than the tolerance from the line without it. */
export function simplified(points: readonly Point[]): readonly Point[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 3) return points;
  let farthest = 0;
  let distance = 0;
  for (let at = 1; at < points.length - 1; at += 1) {
    const own = distanceTo(points[at] as Point, first, last);
    if (own > distance) [farthest, distance] = [at, own];
  }
  if (distance <= toleranceUnits) return [first, last];
  return [...simplified(points.slice(0, farthest + 1)).slice(0, -1), ...simplified(points.slice(farthest))];
}

/** Of a point from the line between two others. */
function distanceTo(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  if (length === 0) return Math.hypot(point.x - from.x, point.y - from.y);
  return Math.abs(dy * (point.x - from.x) - dx * (point.y - from.y)) / length;
}

/** How a system looks in every chart: a colour from the page's style, and a mark, because colour alone tells not everyone. */

import { isVariantName, variantSystems } from '../../systems/system-ids.ts';
import { baseSystem } from '../view.ts';
import { isolatedInDrawing, leftToRight } from '../bidi.ts';
import type { Language, Said } from '../language.ts';
import { html, type Markup } from '../markup.ts';

const looks: Readonly<Record<string, { readonly className: string; readonly shape: Shape }>> = {
  'rabbitmq-quorum': { className: 'sys-quorum', shape: 'circle' },
  'rabbitmq-classic': { className: 'sys-classic', shape: 'square' },
  'rabbitmq-stream': { className: 'sys-stream', shape: 'triangle' },
  kafka: { className: 'sys-kafka', shape: 'diamond' },
  log: { className: 'sys-log', shape: 'cross' },
  // By another client, in panels of their own: the looks of the systems that they belong to.
  'rabbitmq-quorum-java': { className: 'sys-quorum', shape: 'circle' },
  'rabbitmq-classic-java': { className: 'sys-classic', shape: 'square' },
  'rabbitmq-stream-protocol': { className: 'sys-stream', shape: 'triangle' },
  'kafka-java': { className: 'sys-kafka', shape: 'diamond' },
  'kafka-share': { className: 'sys-kafka', shape: 'ring' },
};

type Shape = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'ring';

/** Another version of a system has its colour, a ring for a mark and a dashed line; so have other settings, and share groups beside Kafka's other client. */
export function lookOf(system: string): { className: string; shape: Shape; isVariant: boolean } {
  const base = isVariantName(system) ? variantSystems[system] : baseSystem(system);
  const look = looks[base] ?? { className: 'sys-other', shape: 'ring' as const };
  const isVariant = system.includes('@') || system === 'kafka-share' || isVariantName(system);
  return { ...look, shape: isVariant ? 'ring' : look.shape, isVariant };
}

/** The mark of a system around a point. */
export function mark(system: string, x: number, y: number, size = 4): Markup {
  return shapeMark(lookOf(system).shape, x, y, size);
}

/** Of a system's name in a sentence or a table. The style puts the mark before it: a page has thousands of them. */
export function systemClass(system: string): string {
  return `system ${lineClass(system)}`;
}

function shapeMark(shape: Shape, x: number, y: number, size: number): Markup {
  const at = (dx: number, dy: number): string => `${fixed(x + dx * size)} ${fixed(y + dy * size)}`;
  const path = (d: string): Markup => html`<path class="mark" d="${d}"/>`;
  switch (shape) {
    case 'circle':
      return html`<circle class="mark" cx="${fixed(x)}" cy="${fixed(y)}" r="${size}"/>`;
    case 'ring':
      return html`<circle class="mark open" cx="${fixed(x)}" cy="${fixed(y)}" r="${size}"/>`;
    case 'square':
      return path(`M${at(-0.9, -0.9)} L${at(0.9, -0.9)} L${at(0.9, 0.9)} L${at(-0.9, 0.9)} Z`);
    case 'triangle':
      return path(`M${at(0, -1.2)} L${at(1.1, 0.9)} L${at(-1.1, 0.9)} Z`);
    case 'diamond':
      return path(`M${at(0, -1.3)} L${at(1.3, 0)} L${at(0, 1.3)} L${at(-1.3, 0)} Z`);
    case 'cross':
      return html`<path class="mark open" d="${`M${at(-1, -1)} L${at(1, 1)} M${at(1, -1)} L${at(-1, 1)}`}"/>`;
  }
}

/** Which mark and colour is whose, as a list. */
export function legend(systems: readonly string[], language: Language): Markup {
  const entry = (system: string): Markup =>
    html`<li><svg class="${`swatch ${lineClass(system)}`}" viewBox="0 0 30 14" width="30" height="14" aria-hidden="true"><path class="line" d="M1 7 H29"/>${mark(system, 15, 7)}</svg>${language === 'ar' ? leftToRight(system) : system}</li>`;
  return html`<ul class="legend">${systems.map(entry)}</ul>`;
}

/**
 * Axes go from left to right in every language, as the digits on them do. In a page from right to left this must be said, because
 * `text-anchor` follows the direction of the page.
 */
export function axesLeftToRight(language: Language): Markup | false {
  return language === 'ar' && html` direction="ltr"`;
}

/** Words of a drawing. */
export function drawn(words: Said, language: Language): Markup {
  return language === 'ar' ? isolatedInDrawing(words.ar) : html`${words.en}`;
}

/** A text that is written in the language of the page, around its middle. */
export function aroundMiddle(language: Language): Markup {
  return language === 'ar' ? html` text-anchor="middle" direction="rtl"` : html` text-anchor="middle"`;
}

/** The same, with its right end at a point: that is where a line from right to left begins. */
export function endOfLine(language: Language): Markup {
  return language === 'ar' ? html` text-anchor="start" direction="rtl"` : html` text-anchor="end"`;
}

export function lineClass(system: string): string {
  const { className, isVariant } = lookOf(system);
  return isVariant ? `${className} variant` : className;
}

export function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

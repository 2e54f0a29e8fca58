/** Every link of the pages leads to a file, and to a heading of it, that is there; and docs/README.md leads to every page. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pagesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => join(folder, file));
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...['docs', 'examples', 'grafana'].flatMap(pagesIn),
];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```/gms, '');

/** As a forge makes them of headings, and those that stand there. */
function anchorsOf(page: string): string[] {
  const given = [...textOf(page).matchAll(/\bid="([^"]+)"/g)].map(([, id = '']) => id);
  const ofHeadings = [...withoutCode(textOf(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...given, ...ofHeadings];
}

function deadLinksOf(page: string, text = textOf(page)): string[] {
  const links = [...withoutCode(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
  });
}

it.each(pages)('%s', (page) => {
  expect(deadLinksOf(page)).toEqual([]);
});

it('a dead one is found', () => {
  const text = '[a](docs/NOWHERE.md) [b](docs/METRICS.md#nothing) [c](docs/METRICS.md#of-sluice) [d](#no)';
  expect(deadLinksOf('README.md', text)).toEqual(['docs/NOWHERE.md', 'docs/METRICS.md#nothing', '#no']);
});

it('docs/README.md leads to every page under docs/', () => {
  const index = textOf('docs/README.md');
  const missing = readdirSync(join(root, 'docs')).filter(
    (file) => file.endsWith('.md') && file !== 'README.md' && !index.includes(`](${file})`),
  );
  expect(missing).toEqual([]);
});

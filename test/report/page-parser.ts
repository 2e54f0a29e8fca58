/**
 * A strict reader of the page that the report renders: every tag closed in order (but rows and cells of tables, which are closed by the
 * next one and by the end of their part of the table), every attribute quoted, every bracket of text escaped. It reads less than browsers do, on purpose: what it accepts they all read alike.
 */

export interface PageElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (PageElement | string)[];
}

const voidElements = new Set(['meta', 'br', 'hr']);
/** What is not closed by a tag of its own, with what closes it. */
const closedBy: Readonly<Record<string, readonly string[]>> = {
  td: ['td', 'th', 'tr', '/thead', '/tbody'],
  th: ['td', 'th', 'tr', '/thead', '/tbody'],
  tr: ['tr', '/thead', '/tbody'],
};
/** Drawn, and closed in their own tag. */
const selfClosing = /\/$/;

/** The root `html` element. Throws with what is wrong and where. */
export function parsePage(page: string): PageElement {
  const body = page.replace(/^<!doctype html>\n/, '');
  if (body === page) throw new Error('there is no doctype');
  const top: PageElement = { name: '#top', attributes: {}, children: [] };
  const open: { readonly name: string; readonly children: (PageElement | string)[] }[] = [
    { name: '#top', children: top.children as (PageElement | string)[] },
  ];
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`${what} at ${JSON.stringify(body.slice(Math.max(0, at - 60), at + 60))}`);
  };
  const innermost = () => open.at(-1) ?? fail('nothing is open');
  while (at < body.length) {
    const { name, children } = innermost();
    if (name === 'style' || name === 'script') {
      const end = body.indexOf(`</${name}>`, at);
      if (end === -1) fail(`${name} is not closed`);
      children.push(body.slice(at, end));
      at = end;
    } else if (body[at] !== '<') {
      const end = body.indexOf('<', at);
      const text = body.slice(at, end === -1 ? undefined : end);
      children.push(decoded(text, fail));
      at += text.length;
      continue;
    }
    const tag = /^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z][a-zA-Z-]*(?:="[^"<>]*")?)*)\s*(\/?)>/.exec(
      body.slice(at, at + 20_000),
    );
    if (tag === null) return fail('no tag');
    const [whole, slash, tagName = '', attributeText = '', closes = ''] = tag;
    while (closedBy[innermost().name]?.includes(`${slash}${tagName}`) === true) open.pop();
    if (slash === '/') {
      if (tagName !== innermost().name) fail(`</${tagName}> closes <${innermost().name}>`);
      open.pop();
    } else {
      const element = { name: tagName, attributes: attributesOf(attributeText, fail), children: [] };
      innermost().children.push(element);
      if (!voidElements.has(tagName) && !selfClosing.test(closes)) open.push(element);
    }
    at += whole.length;
  }
  if (open.length !== 1) fail(`<${innermost().name}> is not closed`);
  const [root] = top.children.filter((child) => typeof child !== 'string');
  return root ?? fail('no element');
}

function attributesOf(text: string, fail: (what: string) => never): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([a-zA-Z][a-zA-Z-]*)(?:="([^"]*)")?/g)) {
    if (name in attributes) fail(`attribute ${name} twice`);
    attributes[name] = decoded(value, fail);
  }
  return attributes;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decoded(text: string, fail: (what: string) => never): string {
  if (text.includes('>')) fail('a bare > in text');
  return text.replace(
    /&([^;\s]*;?)/g,
    (whole, rest: string) => entities[rest.replace(';', '')] ?? fail(`bare ${whole}`),
  );
}

/** Every element below and the element itself, in document order. */
export function allElements(element: PageElement): readonly PageElement[] {
  return [element, ...element.children.flatMap((child) => (typeof child === 'string' ? [] : allElements(child)))];
}

/** Text as it is read, without the style sheet and the script. */
export function textOf(element: PageElement): string {
  if (element.name === 'style' || element.name === 'script') return '';
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

export function elementsNamed(element: PageElement, ...names: readonly string[]): readonly PageElement[] {
  return allElements(element).filter(({ name }) => names.includes(name));
}

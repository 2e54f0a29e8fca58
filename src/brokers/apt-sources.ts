/** Reads Debian's mirror from apt's own configuration: the one-line format (sources.list) and deb822 (*.sources). Pure. */

export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** `deb [options] URI SUITE COMPONENT...`, one a line; `deb-src` and comments are left out. */
export function parseSourcesList(text: string): AptSource[] {
  const found: AptSource[] = [];
  for (const line of text.split('\n')) {
    const words = line
      .replace(/#.*/, '')
      .replace(/\[[^\]]*\]/, ' ')
      .trim()
      .split(/\s+/);
    const [type, uri, suite, ...components] = words;
    if (type !== 'deb' || uri === undefined || suite === undefined) continue;
    found.push({ uri, suites: [suite], components });
  }
  return found;
}

/** Stanzas of `Field: value`, parted by empty lines; a stanza may name several URIs and suites. */
export function parseDeb822(text: string): AptSource[] {
  return text.split(/\n[ \t]*\n/).flatMap((stanza) => {
    const fields = stanzaFields(stanza);
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((w) => w !== '');
    if (!words('types').includes('deb') || words('enabled')[0]?.toLowerCase() === 'no') return [];
    return words('uris').map((uri) => ({
      uri,
      suites: words('suites'),
      components: words('components'),
    }));
  });
}

/**
 * The mirrors that carry the named suite's main component (so not the security archive, nor a third party's), in apt's order.
 * Only schemes that debootstrap can fetch; `mirror+file:` is given back as it is, for the caller to look up.
 */
export function mirrorsOf(sources: readonly AptSource[], suite: string): string[] {
  const uris = sources
    .filter((s) => s.suites.includes(suite) && s.components.includes('main'))
    .map((s) => s.uri.replace(/\/+$/, ''))
    .filter((uri) => /^(https?|file|mirror\+file):/.test(uri));
  return [...new Set(uris)];
}

/** The first address in a mirror list file, as `mirror+file:` names one: an address a line, tab-separated options after it. */
export function firstOfMirrorList(text: string): string | null {
  for (const line of text.split('\n')) {
    const uri = line.replace(/#.*/, '').trim().split(/\s+/)[0];
    if (uri !== undefined && uri !== '') return uri.replace(/\/+$/, '');
  }
  return null;
}

function stanzaFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let current: string | null = null;
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) continue;
    const field = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
    if (field?.[1] !== undefined) {
      current = field[1].toLowerCase();
      fields.set(current, field[2] ?? '');
    } else if (current !== null && /^\s/.test(line)) {
      fields.set(current, `${fields.get(current) ?? ''} ${line.trim()}`);
    }
  }
  return fields;
}

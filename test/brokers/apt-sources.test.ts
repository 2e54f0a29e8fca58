import { describe, expect, it } from 'vitest';
import { firstOfMirrorList, mirrorsOf, parseDeb822, parseSourcesList } from '../../src/brokers/apt-sources.ts';

const DEB822 = `# The system's own archive
Types: deb deb-src
URIs: http://mirror.example/debian/ http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
# a comment inside a stanza
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
`;

const ONE_LINE = `# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/a/key.gpg] https://options.example/debian bookworm main contrib # why
deb http://security.example/debian-security bookworm-security main
deb cdrom:[Debian 12]/ bookworm main
deb https://thirdparty.example/apt cloud-sdk-bookworm main
`;

describe("the mirror out of apt's configuration", () => {
  it('is read from deb822, with several addresses, folded lines and comments', () => {
    const sources = parseDeb822(DEB822);
    expect(mirrorsOf(sources, 'bookworm')).toEqual(['http://mirror.example/debian', 'http://second.example/debian']);
    expect(sources[0]?.components).toEqual(['main', 'contrib']);
  });

  it('is read from the one-line format, with options and comments', () => {
    expect(mirrorsOf(parseSourcesList(ONE_LINE), 'bookworm')).toEqual(['https://options.example/debian']);
  });

  it('is never the security archive, a source archive, a disabled stanza or a third party', () => {
    const all = [...parseDeb822(DEB822), ...parseSourcesList(ONE_LINE)];
    const found = mirrorsOf(all, 'bookworm').join(' ');
    for (const wrong of ['security', 'source.', 'off.', 'thirdparty', 'commented', 'cdrom'])
      expect(found).not.toContain(wrong);
  });

  it('is nothing for a release that apt does not use', () => {
    expect(mirrorsOf(parseDeb822(DEB822), 'noble')).toEqual([]);
  });

  it('may be named by a mirror list', () => {
    const sources = parseSourcesList('deb mirror+file:/etc/apt/mirrors/debian.list bookworm main');
    expect(mirrorsOf(sources, 'bookworm')).toEqual(['mirror+file:/etc/apt/mirrors/debian.list']);
    expect(firstOfMirrorList('# ours\n\nhttps://cdn.example/debian/\tpriority:1\n')).toBe('https://cdn.example/debian');
    expect(firstOfMirrorList('# nothing\n')).toBeNull();
  });
});

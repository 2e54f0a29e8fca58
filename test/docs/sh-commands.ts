/** The shell commands of a page: every line of its ```sh blocks, with lines that go on taken together. */

export function shCommands(page: string): string[] {
  const blocks = [...page.matchAll(/^```sh\n(?<block>[\s\S]*?)^```/gm)].map(({ groups }) => groups?.['block'] ?? '');
  return blocks.flatMap((block) =>
    block
      .replaceAll(/(\\|(?<=\|))\n\s*/g, (_, end: string) => (end === '\\' ? '' : ' '))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  );
}

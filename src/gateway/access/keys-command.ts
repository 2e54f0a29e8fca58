/** `sluice keys`: makes API keys and entries for the file of keys. A key is shown once; the file has its hash only. */

import type { Command } from 'commander';

const EXIT_USAGE = 2;
const LIFETIME_UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000 };

interface NewOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly expires?: string;
  readonly file?: string;
  readonly json?: true;
}

/** Adds `keys`; everything heavy is loaded when it runs. */
export function registerKeysCommands(program: Command): void {
  const keys = program.command('keys').description('Make and check the API keys of a gateway.');
  keys
    .command('new')
    .description('Make a key. It is printed once; what is kept is its hash.')
    .requiredOption('--name <name>', 'whose key it is; several keys of one name share its quota')
    .requiredOption(
      '--scope <scope>',
      'publish:<topic>, read:<topic>, consume:<subscription>, metrics or admin; * for any characters; repeat for more',
      (scope: string, scopes: readonly string[] | undefined) => [...(scopes ?? []), scope],
    )
    .option('--expires <when>', 'a point in time (2027-01-31T00:00:00Z), or from now: 90d, 12h')
    .option('--file <file>', 'add the entry to this file, which a running gateway reads by itself')
    .option('--json', 'print JSON')
    .addHelpText('after', newHelp)
    .action(async (options: NewOptions) => await withExit(async () => await makeKey(options)));
  keys
    .command('check <file>')
    .description('Read a file of keys as a gateway would, and say what is in it.')
    .option('--json', 'print JSON')
    .action(
      async (file: string, options: { readonly json?: true }) =>
        await withExit(async () => await checkKeys(file, options.json === true)),
    );
}

const newHelp = `
The key goes to standard output, the rest to standard error, so that the key can be piped into a secret store.

Examples:
  sluice keys new --name billing --scope 'consume:billing*' --scope publish:invoices --file keys.yaml
  sluice keys new --name prometheus --scope metrics --expires 365d --file keys.yaml > prometheus.key
  sluice keys check keys.yaml`;

async function makeKey({ name, scope, expires, file, json }: NewOptions): Promise<void> {
  const [{ newKey, hashOfKey }, { addToKeysFile, keysText }, { KeyEntry }, { errorFromIssues }] = await Promise.all([
    import('./keys.ts'),
    import('./keys-file.ts'),
    import('./schema.ts'),
    import('../rest/problem-handler.ts'),
  ]);
  const key = newKey();
  const asked = {
    name,
    hash: hashOfKey(key),
    scopes: [...scope],
    ...(expires === undefined ? {} : { expires: pointInTime(expires) }),
  };
  const result = KeyEntry.safeParse(asked);
  if (!result.success) throw errorFromIssues(result.error.issues, 'key');
  if (file !== undefined) await addToKeysFile(file, result.data);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ key, entry: result.data, ...(file === undefined ? {} : { file }) })}\n`);
    return;
  }
  process.stdout.write(`${key}\n`);
  const where = file === undefined ? 'Its entry, for the file of keys:' : `Its entry, which was added to ${file}:`;
  process.stderr.write(`The key is above; it is shown once. ${where}\n\n${keysText([result.data])}`);
}

async function checkKeys(file: string, isJson: boolean): Promise<void> {
  const [{ readKeysFile }, { KeyRing }] = await Promise.all([import('./keys-file.ts'), import('./keys.ts')]);
  const entries = readKeysFile(file);
  // What the schema cannot see: a key that is there twice.
  const ring = new KeyRing(entries, () => undefined);
  const rows = entries.map(({ name, scopes, expires }) => ({
    name,
    scopes,
    expires: expires ?? null,
    isExpired: expires !== undefined && Date.parse(expires) <= Date.now(),
  }));
  if (isJson) process.stdout.write(`${JSON.stringify({ file, keys: rows })}\n`);
  else {
    for (const { name, scopes, expires, isExpired } of rows) {
      const until = expires === null ? '' : `  ${isExpired ? 'EXPIRED' : 'until'} ${expires}`;
      process.stdout.write(`${name}  ${scopes.join(' ')}${until}\n`);
    }
    process.stdout.write(`${ring.size} keys in ${file}\n`);
  }
}

/** `90d` and `12h` are from now; anything else is left to the schema. */
function pointInTime(text: string): string {
  const [, count, unit = ''] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const unitMs = LIFETIME_UNITS_MS[unit];
  if (count === undefined || unitMs === undefined) return text;
  return new Date(Date.now() + Number(count) * unitMs).toISOString();
}

async function withExit(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    const { code = 'internal', message = String(reason) } = reason as { code?: string; message?: string };
    process.stderr.write(`sluice keys: ${code}: ${message}\n`);
    process.exitCode = code === 'invalid_argument' || code === 'unknown_field' ? EXIT_USAGE : 1;
  }
}

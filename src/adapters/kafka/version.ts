export function versionOf(versions: Readonly<Record<number, number>>): string {
  return JSON.stringify(versions);
}

/** What docker/ gives to those who run the gateway: the systemd unit and the Kubernetes manifests, checked by the tools and types of their makers. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { repository } from './packed-project.ts';

/** Where kubernetes-types has the type of each kind. */
const typesOf: Readonly<Record<string, string>> = {
  'apps/v1': 'apps/v1',
  'networking.k8s.io/v1': 'networking/v1',
  'policy/v1': 'policy/v1',
  v1: 'core/v1',
};

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Workload {
  readonly kind: string;
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [
          {
            readonly image: string;
            readonly startupProbe: Probe;
            readonly livenessProbe: Probe;
            readonly readinessProbe: Probe;
            readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
            readonly securityContext: object;
          },
        ];
      };
    };
  };
}

const folder = join(repository, 'docker', 'kubernetes');
const manifests = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
    expect(document.errors).toEqual([]);
    return { file, manifest: document.toJS() as { readonly apiVersion: string; readonly kind: string } };
  }),
);

describe('the Kubernetes manifests', () => {
  it('have the fields and types that Kubernetes knows, and no others', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-manifests-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
    // A literal of a type may have none but its fields: the compiler finds what is misspelt, however deep.
    const lines = manifests.map(
      ({ manifest: { apiVersion, kind }, manifest }, index) =>
        `import type { ${kind} as Kind${index} } from 'kubernetes-types/${typesOf[apiVersion]}.d.ts';
export const manifest${index}: Kind${index} = ${JSON.stringify(manifest, null, 2)};`,
    );
    writeFileSync(join(directory, 'manifests.ts'), lines.join('\n'));
    const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags, 'manifests.ts'], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('probe what the gateway answers, and leave it the time that a shutdown takes', () => {
    const workloads = manifests
      .map(({ manifest }) => manifest as unknown as Workload)
      .filter(({ kind }) => /Set|Deployment/.test(kind));
    expect(workloads.map(({ kind }) => kind).toSorted()).toEqual(['Deployment', 'StatefulSet']);
    for (const { kind, spec } of workloads) {
      const { terminationGracePeriodSeconds, containers } = spec.template.spec;
      const [{ startupProbe, livenessProbe, readinessProbe, lifecycle, securityContext, image }] = containers;
      expect(startupProbe.httpGet).toEqual({ path: '/livez', port: 'http' });
      expect(livenessProbe.httpGet).toEqual({ path: '/livez', port: 'http' });
      expect(readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
      const waitMs = Number(/(\d+)\)$/.exec(lifecycle.preStop.exec.command.join(' '))?.[1]);
      expect(waitMs).toBeGreaterThan(0);
      expect(terminationGracePeriodSeconds * 1_000).toBeGreaterThan(waitMs + gatewayLimits.shutdownMs);
      expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
      expect(image).toBe(
        `sluice:${(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }).version}`,
      );
      // A log has one owner.
      if (kind === 'StatefulSet') expect(spec.replicas).toBe(1);
    }
  });
});

const unit = join(repository, 'docker', 'systemd', 'sluice.service');
const noSystemd = spawnSync('systemd-analyze', ['--version']).status !== 0;
if (noSystemd) console.warn('SKIPPED: there is no systemd-analyze here, so the systemd unit is not checked by it');

describe.skipIf(noSystemd)('the systemd unit', () => {
  it('is understood by systemd, to the last line', () => {
    // Only the program must be there, which it is not on this machine.
    const directory = mkdtempSync(join(tmpdir(), 'sluice-unit-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const copy = join(directory, 'sluice.service');
    writeFileSync(copy, readFileSync(unit, 'utf8').replace('/usr/bin/node', process.execPath));
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', copy], { encoding: 'utf8' });
    const ofOurs = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('sluice.service'));
    expect(ofOurs).toEqual([]);
  });

  it('is exposed less than 2.0 of 10, by systemd’s own measure', () => {
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
    });
    const level = Number(/exposure level for sluice\.service: ([\d.]+)/.exec(said)?.[1]);
    expect(level).toBeLessThan(2);
  });

  it('waits longer for the end than a shutdown takes', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(readFileSync(unit, 'utf8'))?.[1]);
    expect(seconds * 1_000).toBeGreaterThan(gatewayLimits.shutdownMs);
  });
});

// The image's HEALTHCHECK: whether /livez answers 204 or 200 on this container's own port, with TLS or without. Exit status 0 or 1.
import { request } from 'node:http';
import { request as requestTls } from 'node:https';

/** Below the timeout of the HEALTHCHECK, so that it says why. */
const DEADLINE_MS = 3_000;
const port = Number(process.env.SLUICE_HEALTH_PORT || process.env.SLUICE_PORT || 8080);

const asked = await Promise.allSettled([ask(request), ask(requestTls)]);
if (asked.some(({ status }) => status === 'fulfilled')) process.exit(0);
console.error(asked.map(({ reason }) => String(reason)).join('; '));
process.exit(1);

/** Whoever holds the port of this container is the gateway: its certificate, made for another name, need not be believed. */
function ask(send) {
  const options = { host: '127.0.0.1', port, path: '/livez', rejectUnauthorized: false, timeout: DEADLINE_MS };
  return new Promise((resolve, reject) => {
    const sent = send(options, (answer) => {
      answer.resume();
      if (answer.statusCode < 300) resolve();
      else reject(new Error(`/livez answered ${answer.statusCode}`));
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.once('error', reject);
    sent.end();
  });
}

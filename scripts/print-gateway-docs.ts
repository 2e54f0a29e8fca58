/** Prints docs/ERRORS.md and docs/CONFIG.md. */

import { writeFileSync } from 'node:fs';
import { configPage, errorsPage } from '../src/gateway/reference-pages.ts';

writeFileSync(new URL('../docs/ERRORS.md', import.meta.url), errorsPage());
writeFileSync(new URL('../docs/CONFIG.md', import.meta.url), configPage());

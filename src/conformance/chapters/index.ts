/** All chapters, in the order in which a reader meets the promises. */

import type { Chapter } from '../chapter.ts';
import { changeChapters } from './changes.ts';
import { definitionChapters } from './definitions.ts';
import { deliveryChapters } from './delivery.ts';
import { orderChapters } from './order.ts';
import { processChapters } from './processes.ts';
import { publishChapters } from './publish.ts';
import { replayChapters } from './replay.ts';
import { scheduleChapters } from './schedule.ts';
import { settleChapters } from './settle.ts';
import { storageChapters } from './storage.ts';

export const chapters: readonly Chapter[] = [
  ...definitionChapters,
  ...changeChapters,
  ...deliveryChapters,
  ...publishChapters,
  ...orderChapters,
  ...settleChapters,
  ...scheduleChapters,
  ...replayChapters,
  ...storageChapters,
  ...processChapters,
];

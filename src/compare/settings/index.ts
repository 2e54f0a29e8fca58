/** The settings that systems are compared by: stock, tuned, and Kafka's fsync tier. */

export { linesOf, rabbitMqSettingsOf, settingNotes, settingsOf, valueOf } from './apply.ts';
export { settingsPage } from './page.ts';

/** Agreement with independent tools on the same brokers. */

export { type AgreementResult, checkAgreement } from './agreement.ts';

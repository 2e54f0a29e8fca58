/** Agreement with independent tools on the same brokers. */

export { agreementMs, type AgreementResult, checkAgreement } from './agreement.ts';

/** CRC-32C (Castagnoli), the checksum of record batches; also guards every small file of ours. */
export { crc32c } from '@node-rs/crc32';

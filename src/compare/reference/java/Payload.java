import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The payload of a measured message, byte for byte that of the JavaScript generator (workloads/payload.ts draws it), so that
 * the receiver tells loss, duplicates, order, damage and latency from the bytes alone.
 */
final class Payload {
  static final int HEADER_BYTES = 36;
  private static final int MAGIC = 0x31434c53;
  private static final int POOL_BYTES = 256 * 1024;
  private static final int STRIDE = 7_919;

  private final int run;
  private final byte[] pool;

  Payload(int run, int messageBytesMax) {
    this.run = run;
    this.pool = randomBytes(POOL_BYTES + Math.max(0, messageBytesMax - HEADER_BYTES), run);
  }

  byte[] encode(int number, int keyIndex, int keyNumber, double intendedMs, int bytes) {
    byte[] payload = new byte[bytes];
    ByteBuffer buffer = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putInt(0, MAGIC).putInt(4, run).putInt(8, 0).putInt(12, number).putInt(16, keyIndex).putInt(20, keyNumber);
    buffer.putDouble(24, intendedMs).putInt(32, checksum(payload));
    System.arraycopy(pool, bodyOffset(number), payload, HEADER_BYTES, bytes - HEADER_BYTES);
    return payload;
  }

  /** The message's number; -1 for what this run did not send, or what is damaged. */
  int numberOf(byte[] payload) {
    if (payload.length < HEADER_BYTES) return -1;
    ByteBuffer buffer = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
    if (buffer.getInt(0) != MAGIC || buffer.getInt(4) != run || buffer.getInt(32) != checksum(payload)) return -1;
    int number = buffer.getInt(12);
    if (number < 0) return -1;
    int from = bodyOffset(number);
    int bodyBytes = payload.length - HEADER_BYTES;
    if (from + bodyBytes > pool.length) return -1;
    return Arrays.equals(payload, HEADER_BYTES, payload.length, pool, from, from + bodyBytes) ? number : -1;
  }

  private static int bodyOffset(int number) {
    return (int) (((long) number * STRIDE) % POOL_BYTES);
  }

  /** FNV-1a over the header before the checksum field. */
  private static int checksum(byte[] payload) {
    int hash = 0x811c9dc5;
    for (int i = 0; i < 32; i++) hash = (hash ^ (payload[i] & 0xff)) * 0x01000193;
    return hash;
  }

  /** The generator of workloads/random.ts: the upper eight bits of each of its numbers. */
  private static byte[] randomBytes(int length, int seed) {
    byte[] bytes = new byte[length];
    int state = seed;
    for (int i = 0; i < length; i++) {
      state += 0x6d2b79f5;
      int mixed = (state ^ (state >>> 15)) * (state | 1);
      mixed ^= mixed + (mixed ^ (mixed >>> 7)) * (mixed | 61);
      bytes[i] = (byte) ((mixed ^ (mixed >>> 14)) >>> 24);
    }
    return bytes;
  }
}

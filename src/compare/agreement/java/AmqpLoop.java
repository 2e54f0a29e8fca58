import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.MessageProperties;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A loop on RabbitMQ's Java client that shares nothing with the programs it checks: one queue, one publisher with confirms, one
 * consumer, both on channels of their own. Time from the send in the body of the message.
 *
 * <pre>AMQP_URL=... AmqpLoop queueType queue bytes window prefetch ackBatch ratePerSecond(0: as many as it can) warmupMs measuredMs</pre>
 *
 * The address is in the environment, since it has a password in it and arguments are for everybody to see.
 *
 * Prints one line: messages received a second, and of the milliseconds from send to reception and from send to confirm the medians.
 */
public final class AmqpLoop {
  private AmqpLoop() {}

  public static void main(String[] arguments) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    String queue = arguments[1];
    int bytes = Integer.parseInt(arguments[2]);
    int window = Integer.parseInt(arguments[3]);
    int prefetch = Integer.parseInt(arguments[4]);
    int ackBatch = Integer.parseInt(arguments[5]);
    int ratePerSecond = Integer.parseInt(arguments[6]);
    long warmupNs = Long.parseLong(arguments[7]) * 1_000_000;
    long endNs = warmupNs + Long.parseLong(arguments[8]) * 1_000_000;
    long startNs = System.nanoTime();

    AtomicLong receivedInWindow = new AtomicLong();
    AtomicLong received = new AtomicLong();
    Times receivedTimes = new Times();
    Times confirmedTimes = new Times();
    Semaphore room = new Semaphore(window);
    ConcurrentNavigableMap<Long, Long> unconfirmed = new ConcurrentSkipListMap<>();

    try (Connection in = factory.newConnection();
        Connection out = factory.newConnection()) {
      Channel publishing = in.createChannel();
      publishing.queueDeclare(queue, true, false, false, Map.of("x-queue-type", arguments[0]));
      publishing.confirmSelect();
      publishing.addConfirmListener(
          (tag, multiple) -> {
            ConcurrentNavigableMap<Long, Long> done =
                multiple ? unconfirmed.headMap(tag, true) : unconfirmed.subMap(tag, true, tag, true);
            long nowNs = System.nanoTime();
            boolean isInWindow = nowNs - startNs >= warmupNs && nowNs - startNs < endNs;
            int count = 0;
            for (Long sentNs : done.values()) {
              count++;
              if (isInWindow) confirmedTimes.add(nowNs - sentNs);
            }
            done.clear();
            room.release(count);
          },
          (tag, multiple) -> {
            System.err.println("a publish was refused");
            System.exit(1);
          });

      Channel consuming = out.createChannel();
      consuming.basicQos(prefetch);
      consuming.basicConsume(
          queue,
          false,
          (consumerTag, delivery) -> {
            long nowNs = System.nanoTime();
            if (nowNs - startNs >= warmupNs && nowNs - startNs < endNs) {
              receivedInWindow.incrementAndGet();
              receivedTimes.add(nowNs - ByteBuffer.wrap(delivery.getBody()).getLong());
            }
            if (received.incrementAndGet() % ackBatch == 0)
              consuming.basicAck(delivery.getEnvelope().getDeliveryTag(), true);
          },
          consumerTag -> {});

      long sent = 0;
      while (System.nanoTime() - startNs < endNs) {
        if (ratePerSecond > 0) {
          long dueNs = startNs + (long) (sent * (1e9 / ratePerSecond));
          while (System.nanoTime() < dueNs) Thread.sleep(0, 100_000);
        }
        room.acquire();
        byte[] body = new byte[bytes];
        long nowNs = System.nanoTime();
        ByteBuffer.wrap(body).putLong(nowNs);
        unconfirmed.put(publishing.getNextPublishSeqNo(), nowNs);
        publishing.basicPublish("", queue, MessageProperties.MINIMAL_PERSISTENT_BASIC, body);
        sent++;
      }
      long giveUpNs = System.nanoTime() + 5_000_000_000L;
      while (received.get() < sent && System.nanoTime() < giveUpNs) Thread.sleep(5);
      if (received.get() != sent) {
        System.err.println(received.get() + " of " + sent + " messages came");
        System.exit(1);
      }
      publishing.queueDelete(queue);
    }
    double seconds = (endNs - warmupNs) / 1e9;
    System.out.printf(
        java.util.Locale.ROOT,
        "%.1f messages/s, %.4f ms to reception, %.4f ms to confirm%n",
        receivedInWindow.get() / seconds,
        receivedTimes.medianMs(),
        confirmedTimes.medianMs());
  }

  /** Every single one, sorted at the end: no buckets that could be wrong. One writer. */
  private static final class Times {
    private long[] values = new long[1 << 16];
    private int length;

    synchronized void add(long ns) {
      if (length == values.length) values = Arrays.copyOf(values, length * 2);
      values[length++] = ns;
    }

    synchronized double medianMs() {
      if (length == 0) return 0;
      Arrays.sort(values, 0, length);
      return values[length / 2] / 1e6;
    }
  }
}

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** RabbitMQ's Java client on a quorum or classic queue: a fanout exchange for a topic, a durable queue for a subscription. */
final class RabbitQueues implements Client {
  /** A started batch of acks waits this long for more. */
  private static final long ACK_FLUSH_MS = 10;
  private static final long CONFIRM_WAIT_MS = 5_000;

  private final String queueType;
  private final Connection publishing;
  private final Connection consuming;
  private final ScheduledExecutorService timers = Executors.newSingleThreadScheduledExecutor(RabbitQueues::daemon);

  RabbitQueues(Map<String, String> options) throws Exception {
    queueType = options.get("queueType");
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(options.get("url"));
    factory.setAutomaticRecoveryEnabled(false);
    publishing = factory.newConnection("sluice-compare publish");
    consuming = factory.newConnection("sluice-compare consume");
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "ack timer");
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public Map<String, String> settings() {
    return Map.of(
        "client", "RabbitMQ's Java client (AMQP 0.9.1), asynchronous confirms, persistent messages, separate connections",
        "topology", "fanout exchange, one durable " + queueType + " queue for each subscription");
  }

  private interface Work {
    void on(Channel channel) throws Exception;
  }

  private void onChannel(Work work) throws Exception {
    try (Channel channel = publishing.createChannel()) {
      work.on(channel);
    }
  }

  @Override
  public void createTopic(String name, int partitions) throws Exception {
    onChannel(channel -> channel.exchangeDeclare(name, "fanout", true));
  }

  @Override
  public void deleteTopic(String name) throws Exception {
    onChannel(channel -> channel.exchangeDelete(name));
  }

  @Override
  public void createSubscription(Subscription subscription) throws Exception {
    Map<String, Object> arguments = new HashMap<>();
    arguments.put("x-queue-type", queueType);
    if (subscription.maxAttempts() > 0 && queueType.equals("quorum"))
      arguments.put("x-delivery-limit", subscription.maxAttempts());
    onChannel(
        channel -> {
          channel.queueDeclare(subscription.name(), true, false, false, arguments);
          channel.queueBind(subscription.name(), subscription.topic(), "");
        });
  }

  @Override
  public void deleteSubscription(String name) throws Exception {
    onChannel(channel -> channel.queueDelete(name));
  }

  @Override
  public Publisher publisher(String topic, int window, Settled settled) throws Exception {
    Channel channel = publishing.createChannel();
    channel.confirmSelect();
    Confirms confirms = new Confirms(window, settled);
    channel.addConfirmListener(
        (tag, multiple) -> confirms.answered(tag, multiple, Settled.ACKED, null),
        (tag, multiple) -> confirms.answered(tag, multiple, Settled.REFUSED, "nacked"));
    channel.addShutdownListener(reason -> confirms.ended(reason.getMessage()));
    return new Publisher() {
      @Override
      public void publish(int number, byte[] key, byte[] value) {
        long tag = channel.getNextPublishSeqNo();
        confirms.sent(tag, number);
        try {
          String routingKey = key == null ? "" : new String(key, StandardCharsets.UTF_8);
          channel.basicPublish(topic, routingKey, MessageProperties.MINIMAL_PERSISTENT_BASIC, value);
        } catch (IOException | ShutdownSignalException reason) {
          confirms.answered(tag, false, Settled.UNKNOWN, reason.toString());
        }
      }

      @Override
      public void close() throws Exception {
        if (!channel.isOpen()) return;
        if (confirms.isOpen()) channel.waitForConfirms(CONFIRM_WAIT_MS);
        channel.close();
      }
    };
  }

  /**
   * Which message each outstanding tag is. A ring, since tags count up by one and at most a window of them is outstanding; a slot
   * that is answered is free.
   */
  private static final class Confirms {
    private static final int FREE = Integer.MIN_VALUE;

    private final int[] numbers;
    private final Settled settled;
    private long lowest = 1;
    private long next = 1;

    Confirms(int window, Settled settled) {
      // Room for the probes too, which are sent at once whatever the window.
      numbers = new int[Integer.highestOneBit(Math.max(64, window)) * 4];
      Arrays.fill(numbers, FREE);
      this.settled = settled;
    }

    synchronized void sent(long tag, int number) {
      numbers[slot(tag)] = number;
      next = tag + 1;
    }

    void answered(long tag, boolean multiple, byte fate, String code) {
      synchronized (this) {
        long from = multiple ? lowest : tag;
        for (long one = from; one <= tag; one++) {
          int number = numbers[slot(one)];
          numbers[slot(one)] = FREE;
          if (number != FREE) settled.settled(number, fate, code);
        }
        while (lowest < next && numbers[slot(lowest)] == FREE) lowest++;
      }
    }

    synchronized void ended(String why) {
      answered(next - 1, true, Settled.UNKNOWN, why);
    }

    synchronized boolean isOpen() {
      return lowest < next;
    }

    private int slot(long tag) {
      return (int) (tag & (numbers.length - 1));
    }
  }

  @Override
  public Consumption consume(String subscription, Taking taking, Receiver receiver) throws Exception {
    Channel channel = consuming.createChannel();
    channel.basicQos(taking.credit());
    Acks acks = taking.ackBatch() == 0 ? null : new Acks(channel, taking.ackBatch(), timers);
    AtomicBoolean isClosing = new AtomicBoolean();
    channel.basicConsume(
        subscription,
        false,
        new DefaultConsumer(channel) {
          @Override
          public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body)
              throws IOException {
            receiver.received(deliveryOf(envelope, properties, body));
            if (acks != null) acks.note(envelope.getDeliveryTag());
          }

          @Override
          public void handleCancel(String tag) {
            receiver.failed(new IOException("the consumer was cancelled by the broker"));
          }

          @Override
          public void handleShutdownSignal(String tag, ShutdownSignalException reason) {
            if (!isClosing.get()) receiver.failed(reason);
          }
        });
    return new Consumption() {
      @Override
      public void settle(long token, Settlement settlement) throws IOException {
        switch (settlement) {
          case ACK -> channel.basicAck(token, false);
          case NACK -> channel.basicNack(token, false, true);
          case REJECT -> channel.basicReject(token, false);
        }
      }

      @Override
      public void close() throws Exception {
        if (isClosing.getAndSet(true) || !channel.isOpen()) return;
        if (acks != null) acks.flush();
        channel.close();
      }
    };
  }

  private static Delivery deliveryOf(Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
    String routingKey = envelope.getRoutingKey();
    byte[] key = routingKey.isEmpty() ? null : routingKey.getBytes(StandardCharsets.UTF_8);
    int attempt = 0;
    Map<String, Object> headers = properties.getHeaders();
    if (headers != null) {
      Object count = headers.getOrDefault("x-acquired-count", headers.get("x-delivery-count"));
      if (count instanceof Number number) attempt = number.intValue() + 1;
    }
    if (attempt == 0 && !envelope.isRedeliver()) attempt = 1;
    return new Delivery(envelope.getDeliveryTag(), key, body, 0, -1, attempt, envelope.isRedeliver());
  }

  /** Acks up to {@code size} deliveries at once; what is left after a pause goes by itself. */
  private static final class Acks {
    private final Channel channel;
    private final int size;
    private final ScheduledExecutorService timers;
    private long last;
    private int waiting;
    private boolean isTimed;

    Acks(Channel channel, int size, ScheduledExecutorService timers) {
      this.channel = channel;
      this.size = size;
      this.timers = timers;
    }

    synchronized void note(long tag) throws IOException {
      last = tag;
      waiting++;
      if (waiting >= size) flush();
      else if (!isTimed) {
        isTimed = true;
        timers.schedule(this::flushLate, ACK_FLUSH_MS, TimeUnit.MILLISECONDS);
      }
    }

    private synchronized void flushLate() {
      isTimed = false;
      try {
        flush();
      } catch (IOException | ShutdownSignalException gone) {
        // The channel has ended, and its consumer was told.
      }
    }

    synchronized void flush() throws IOException {
      if (waiting == 0) return;
      waiting = 0;
      channel.basicAck(last, true);
    }
  }

  @Override
  public void close() throws Exception {
    timers.shutdownNow();
    for (Connection connection : new Connection[] {publishing, consuming}) if (connection.isOpen()) connection.close();
  }
}

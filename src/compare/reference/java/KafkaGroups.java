import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Kafka's own Java producer and consumer: a subscription is a consumer group, committed after each poll. */
final class KafkaGroups extends KafkaClient {
  private static final Duration POLL = Duration.ofMillis(100);
  private static final long JOIN_WAIT_MS = 30_000;

  private final boolean commits;

  KafkaGroups(Map<String, String> options) {
    super(options);
    commits = !"never".equals(options.get("commits"));
  }

  @Override
  public Map<String, String> settings() {
    return Map.of(
        "client", "Kafka's Java producer and consumer with their defaults (acks=all, idempotent, linger 5 ms, batches of 16 KiB)",
        "topology", "one topic with partitions, one consumer group for each subscription, an asynchronous commit after each poll");
  }

  @Override
  public void createSubscription(Subscription subscription) throws Exception {
    if (!subscription.fromStart()) {
      Map<TopicPartition, OffsetAndMetadata> place = new HashMap<>();
      ends(subscription.topic()).forEach((partition, end) -> place.put(partition, new OffsetAndMetadata(end)));
      admin.alterConsumerGroupOffsets(subscription.name(), place).all().get();
    }
    subscriptions.put(subscription.name(), subscription);
  }

  @Override
  public void deleteSubscription(String name) throws Exception {
    subscriptions.remove(name);
    try {
      admin.deleteConsumerGroups(List.of(name)).all().get();
    } catch (ExecutionException reason) {
      if (!(reason.getCause() instanceof GroupIdNotFoundException)) throw reason;
    }
  }

  @Override
  public Consumption consume(String name, Taking taking, Receiver receiver) throws Exception {
    if (taking.ackBatch() == 0) throw new Refusal("a consumer group settles places, not messages: asked of the share group");
    Properties properties = new Properties();
    properties.put("bootstrap.servers", brokers);
    properties.put("group.id", name);
    properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    Reader reader = new Reader(new KafkaConsumer<>(properties), subscriptionOf(name).topic(), commits, receiver);
    reader.start();
    reader.awaitJoined();
    return reader;
  }

  /** The consumer belongs to one thread, which alone may call it. */
  private static final class Reader extends Thread implements Consumption {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final String topic;
    private final boolean commits;
    private final Receiver receiver;
    private final CountDownLatch joined = new CountDownLatch(1);
    private volatile boolean isClosing;

    Reader(KafkaConsumer<byte[], byte[]> consumer, String topic, boolean commits, Receiver receiver) {
      super("consumer");
      this.consumer = consumer;
      this.topic = topic;
      this.commits = commits;
      this.receiver = receiver;
    }

    void awaitJoined() throws Exception {
      if (!joined.await(JOIN_WAIT_MS, TimeUnit.MILLISECONDS)) throw new Exception("the group was not joined");
    }

    @Override
    public void run() {
      try {
        consumer.subscribe(List.of(topic));
        while (!isClosing) {
          ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
          if (joined.getCount() > 0 && !consumer.groupMetadata().memberId().isEmpty()) joined.countDown();
          for (ConsumerRecord<byte[], byte[]> record : records)
            receiver.received(
                new Delivery(0, record.key(), record.value(), record.partition(), record.offset(), 0, null));
          if (commits && !records.isEmpty()) consumer.commitAsync();
        }
        if (commits) consumer.commitSync();
      } catch (WakeupException wanted) {
        // Closing.
      } catch (RuntimeException reason) {
        if (!isClosing) receiver.failed(reason);
      } finally {
        consumer.close();
      }
    }

    @Override
    public void settle(long token, Settlement settlement) {}

    @Override
    public void close() throws InterruptedException {
      isClosing = true;
      join(CLOSE_WAIT.toMillis());
    }
  }
}

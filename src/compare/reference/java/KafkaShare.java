import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ShareMemberDescription;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's share groups: consumers of a group take messages in turn, whatever partition they are in, and settle each by its own.
 * The broker counts deliveries and ends them at the group's limit (5 by default).
 */
final class KafkaShare extends KafkaClient {
  private static final Duration POLL = Duration.ofMillis(100);

  KafkaShare(Map<String, String> options) {
    super(options);
  }

  @Override
  public Map<String, String> settings() {
    return Map.of(
        "client", "Kafka's Java producer and share consumer (acks=all, idempotent, linger 5 ms); implicit acknowledgement in workloads, explicit in scenarios",
        "topology", "one topic with partitions, one share group for each subscription");
  }

  @Override
  public void createSubscription(Subscription subscription) throws Exception {
    List<AlterConfigOp> settings = new ArrayList<>();
    settings.add(set("share.auto.offset.reset", "earliest"));
    if (subscription.maxAttempts() > 0)
      settings.add(set("share.delivery.count.limit", String.valueOf(subscription.maxAttempts())));
    ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, subscription.name());
    admin.incrementalAlterConfigs(Map.of(group, (Collection<AlterConfigOp>) settings)).all().get();
    Map<TopicPartition, Long> ends = ends(subscription.topic());
    boolean isBehind = ends.values().stream().anyMatch(end -> end > 0);
    if (!subscription.fromStart() && isBehind)
      admin.alterShareGroupOffsets(subscription.name(), new HashMap<>(ends)).all().get();
    subscriptions.put(subscription.name(), subscription);
  }

  /** A setting outlives its group: the next one of that name would have it. */
  private void forgetSettings(String name) throws Exception {
    List<AlterConfigOp> settings = new ArrayList<>();
    for (String setting : List.of("share.auto.offset.reset", "share.delivery.count.limit"))
      settings.add(new AlterConfigOp(new ConfigEntry(setting, ""), AlterConfigOp.OpType.DELETE));
    admin
        .incrementalAlterConfigs(
            Map.of(new ConfigResource(ConfigResource.Type.GROUP, name), (Collection<AlterConfigOp>) settings))
        .all()
        .get();
  }

  private static AlterConfigOp set(String name, String value) {
    return new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
  }

  @Override
  public void deleteSubscription(String name) throws Exception {
    subscriptions.remove(name);
    try {
      admin.deleteShareGroups(List.of(name)).all().get();
    } catch (ExecutionException reason) {
      if (!(reason.getCause() instanceof GroupIdNotFoundException)) throw reason;
    }
    forgetSettings(name);
  }

  @Override
  public Consumption consume(String name, Taking taking, Receiver receiver) throws Exception {
    boolean settlesEach = taking.ackBatch() == 0;
    Properties properties = new Properties();
    properties.put("bootstrap.servers", brokers);
    properties.put("group.id", name);
    String clientId = "sluice-" + System.nanoTime();
    properties.put("client.id", clientId);
    properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
    if (settlesEach) {
      properties.put("share.acknowledgement.mode", "explicit");
      // Never more than the credit, however the producer batched: a share of a batch, not the batch.
      properties.put("share.acquire.mode", "record_limit");
      properties.put("max.poll.records", String.valueOf(taking.credit()));
    }
    KafkaShareConsumer<byte[], byte[]> consumer = new KafkaShareConsumer<>(properties);
    Reader reader = new Reader(consumer, subscriptionOf(name).topic(), settlesEach, receiver);
    reader.start();
    awaitMember(name, clientId);
    return reader;
  }

  /** The consumer tells nobody what it was assigned, so the coordinator is asked. */
  private void awaitMember(String group, String clientId) throws Exception {
    long endNs = System.nanoTime() + JOIN_WAIT.toNanos();
    while (System.nanoTime() < endNs) {
      try {
        for (ShareMemberDescription member : admin.describeShareGroups(List.of(group)).all().get().get(group).members())
          if (member.clientId().equals(clientId) && !member.assignment().topicPartitions().isEmpty()) return;
      } catch (ExecutionException reason) {
        if (!(reason.getCause() instanceof GroupIdNotFoundException)) throw reason;
      }
      Thread.sleep(JOIN_PAUSE_MS);
    }
    throw new Exception("the share group " + group + " gave no partitions within " + JOIN_WAIT);
  }

  private static final Duration JOIN_WAIT = Duration.ofSeconds(30);
  private static final long JOIN_PAUSE_MS = 20;

  private record Settling(long token, Settlement settlement) {}

  /** The consumer belongs to one thread, which alone may call it. */
  private static final class Reader extends Thread implements Consumption {
    private final KafkaShareConsumer<byte[], byte[]> consumer;
    private final String topic;
    private final boolean settlesEach;
    private final Receiver receiver;
    private final BlockingQueue<Settling> settlings = new LinkedBlockingQueue<>();
    private volatile boolean isClosing;
    private long lastToken;

    Reader(
        KafkaShareConsumer<byte[], byte[]> consumer, String topic, boolean settlesEach, Receiver receiver) {
      super("share consumer");
      this.consumer = consumer;
      this.topic = topic;
      this.settlesEach = settlesEach;
      this.receiver = receiver;
    }

    @Override
    public void run() {
      try {
        consumer.subscribe(List.of(topic));
        while (!isClosing) {
          ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
          if (settlesEach) hand(records);
          else for (ConsumerRecord<byte[], byte[]> record : records) receiver.received(deliveryOf(0, record));
        }
        consumer.commitSync();
      } catch (InterruptedException | RuntimeException reason) {
        if (!isClosing) receiver.failed(reason);
      } finally {
        consumer.close(CLOSE_WAIT);
      }
    }

    /** Until each of them is settled: the consumer will not poll before. */
    private void hand(ConsumerRecords<byte[], byte[]> records) throws InterruptedException {
      Map<Long, ConsumerRecord<byte[], byte[]>> open = new HashMap<>();
      for (ConsumerRecord<byte[], byte[]> record : records) {
        open.put(++lastToken, record);
        receiver.received(deliveryOf(lastToken, record));
      }
      while (!open.isEmpty() && !isClosing) {
        Settling settling = settlings.poll(POLL.toMillis(), TimeUnit.MILLISECONDS);
        if (settling == null) continue;
        ConsumerRecord<byte[], byte[]> record = open.remove(settling.token());
        if (record != null) consumer.acknowledge(record, typeOf(settling.settlement()));
        // The next poll would tell the broker, but it waits for the slowest of these.
        if (settlings.isEmpty() && !open.isEmpty()) consumer.commitAsync();
      }
      for (ConsumerRecord<byte[], byte[]> record : open.values()) consumer.acknowledge(record, AcknowledgeType.RELEASE);
    }

    private static AcknowledgeType typeOf(Settlement settlement) {
      return switch (settlement) {
        case ACK -> AcknowledgeType.ACCEPT;
        case NACK -> AcknowledgeType.RELEASE;
        case REJECT -> AcknowledgeType.REJECT;
      };
    }

    private static Delivery deliveryOf(long token, ConsumerRecord<byte[], byte[]> record) {
      int attempt = record.deliveryCount().map(Short::intValue).orElse(0);
      return new Delivery(
          token, record.key(), record.value(), record.partition(), record.offset(), attempt, attempt > 1);
    }

    @Override
    public void settle(long token, Settlement settlement) {
      settlings.add(new Settling(token, settlement));
    }

    @Override
    public void close() throws InterruptedException {
      isClosing = true;
      join(2 * CLOSE_WAIT.toMillis());
    }
  }
}

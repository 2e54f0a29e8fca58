import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What both kinds of Kafka's consumers share: topics, and the producer with its own defaults (acks=all, idempotent, linger 5 ms). */
abstract class KafkaClient implements Client {
  static final Duration CLOSE_WAIT = Duration.ofSeconds(5);

  final String brokers;
  final Admin admin;
  /** Subscription to topic. */
  final Map<String, Subscription> subscriptions = new HashMap<>();

  private final Map<String, String> producerSettings;

  KafkaClient(Map<String, String> options) {
    brokers = options.get("brokers");
    producerSettings =
        options.entrySet().stream()
            .filter(entry -> entry.getKey().startsWith("producer."))
            .collect(Collectors.toMap(entry -> entry.getKey().substring("producer.".length()), Map.Entry::getValue));
    Properties properties = new Properties();
    properties.put("bootstrap.servers", brokers);
    admin = Admin.create(properties);
  }

  @Override
  public void createTopic(String name, int partitions) throws Exception {
    admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get();
    // A topic is made before its partitions have leaders.
    for (int tries = 0; ; tries++) {
      try {
        ends(name);
        return;
      } catch (ExecutionException reason) {
        if (tries >= LEADER_TRIES_MAX) throw reason;
        Thread.sleep(LEADER_PAUSE_MS);
      }
    }
  }

  private static final int LEADER_TRIES_MAX = 100;
  private static final long LEADER_PAUSE_MS = 50;

  @Override
  public void deleteTopic(String name) throws Exception {
    try {
      admin.deleteTopics(List.of(name)).all().get();
    } catch (ExecutionException reason) {
      // A call that failed before may have done it.
      if (!(reason.getCause() instanceof UnknownTopicOrPartitionException)) throw reason;
    }
  }

  /** The offset behind the last message of each partition. */
  Map<TopicPartition, Long> ends(String topic) throws ExecutionException, InterruptedException {
    TopicDescription description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    Map<TopicPartition, OffsetSpec> wanted =
        description.partitions().stream()
            .collect(
                Collectors.toMap(one -> new TopicPartition(topic, one.partition()), one -> OffsetSpec.latest()));
    return admin.listOffsets(wanted).all().get().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().offset()));
  }

  Subscription subscriptionOf(String name) throws Refusal {
    Subscription subscription = subscriptions.get(name);
    if (subscription == null) throw new Refusal("no subscription " + name);
    return subscription;
  }

  @Override
  public Publisher publisher(String topic, int window, Settled settled) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", brokers);
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    properties.putAll(producerSettings);
    KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties);
    return new Publisher() {
      @Override
      public void publish(int number, byte[] key, byte[] value) {
        try {
          producer.send(
              new ProducerRecord<>(topic, key, value),
              (metadata, reason) -> {
                if (reason == null) settled.settled(number, Settled.ACKED, null);
                else settled.settled(number, fateOf(reason), reason.toString());
              });
        } catch (RuntimeException reason) {
          // Thrown before anything was sent: a record that cannot be put into a request.
          settled.settled(number, Settled.REFUSED, reason.toString());
        }
      }

      @Override
      public void close() {
        producer.close(CLOSE_WAIT);
      }
    };
  }

  private static byte fateOf(Exception reason) {
    return reason instanceof RecordTooLargeException ? Settled.REFUSED : Settled.UNKNOWN;
  }

  @Override
  public void close() {
    admin.close(CLOSE_WAIT);
  }
}

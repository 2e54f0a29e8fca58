import com.rabbitmq.stream.Address;
import com.rabbitmq.stream.Constants;
import com.rabbitmq.stream.Consumer;
import com.rabbitmq.stream.Environment;
import com.rabbitmq.stream.Message;
import com.rabbitmq.stream.NoOffsetException;
import com.rabbitmq.stream.OffsetSpecification;
import com.rabbitmq.stream.Producer;
import com.rabbitmq.stream.StreamDoesNotExistException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** RabbitMQ's stream protocol by its Java client: a stream for a topic, read by as many named consumers as there are subscriptions. */
final class RabbitStreams implements Client {
  private record Place(String stream, OffsetSpecification from) {}

  private final Environment environment;
  private final Map<String, Place> places = new HashMap<>();

  RabbitStreams(Map<String, String> options) {
    Address address = new Address(options.get("host"), Integer.parseInt(options.get("port")));
    environment =
        Environment.builder()
            .host(address.host())
            .port(address.port())
            .username(options.get("user"))
            .password(options.get("password"))
            .virtualHost(options.get("vhost"))
            // The node tells its own name, which need not lead to it from here.
            .addressResolver(told -> address)
            .build();
  }

  @Override
  public Map<String, String> settings() {
    return Map.of(
        "client", "RabbitMQ's stream protocol by its Java client, confirmed publishing, dynamic batches, automatic offset tracking",
        "topology", "one stream for a topic, one named consumer for each subscription");
  }

  @Override
  public void createTopic(String name, int partitions) {
    environment.streamCreator().stream(name).create();
  }

  @Override
  public void deleteTopic(String name) {
    try {
      environment.deleteStream(name);
    } catch (StreamDoesNotExistException gone) {
      // A call that failed before may have done it.
    }
  }

  @Override
  public void createSubscription(Subscription subscription) {
    OffsetSpecification from = subscription.fromStart() ? OffsetSpecification.first() : behindLast(subscription.topic());
    places.put(subscription.name(), new Place(subscription.topic(), from));
  }

  /** Not "next", which would be the end at the time of the consumer and not of the subscription. */
  private OffsetSpecification behindLast(String stream) {
    try {
      return OffsetSpecification.offset(environment.queryStreamStats(stream).committedOffset() + 1);
    } catch (NoOffsetException empty) {
      return OffsetSpecification.first();
    }
  }

  @Override
  public void deleteSubscription(String name) {
    places.remove(name);
  }

  @Override
  public Publisher publisher(String topic, int window, Settled settled) {
    Producer producer = environment.producerBuilder().stream(topic).maxUnconfirmedMessages(Math.max(1, window)).build();
    return new Publisher() {
      @Override
      public void publish(int number, byte[] key, byte[] value) {
        Message message =
            key == null
                ? producer.messageBuilder().addData(value).build()
                : producer
                    .messageBuilder()
                    .properties()
                    .subject(new String(key, StandardCharsets.UTF_8))
                    .messageBuilder()
                    .addData(value)
                    .build();
        producer.send(
            message,
            status -> {
              if (status.isConfirmed()) settled.settled(number, Settled.ACKED, null);
              else settled.settled(number, fateOf(status.getCode()), "code " + status.getCode());
            });
      }

      @Override
      public void close() {
        producer.close();
      }
    };
  }

  /** What the client itself gave up on, or the connection took along, may be stored. */
  private static byte fateOf(short code) {
    boolean isOpen =
        code == Constants.CODE_PUBLISH_CONFIRM_TIMEOUT
            || code == Constants.CODE_PRODUCER_CLOSED
            || code == Constants.CODE_PRODUCER_NOT_AVAILABLE;
    return isOpen ? Settled.UNKNOWN : Settled.REFUSED;
  }

  @Override
  public Consumption consume(String subscription, Taking taking, Receiver receiver) throws Refusal {
    if (taking.ackBatch() == 0) throw new Refusal("a stream settles places, not messages");
    Place place = places.get(subscription);
    if (place == null) throw new Refusal("no subscription " + subscription);
    Consumer consumer =
        environment
            .consumerBuilder()
            .stream(place.stream())
            .name(subscription)
            .offset(place.from())
            .autoTrackingStrategy()
            .builder()
            .messageHandler(
                (context, message) ->
                    receiver.received(
                        new Delivery(0, keyOf(message), message.getBodyAsBinary(), 0, context.offset(), 0, null)))
            .build();
    return new Consumption() {
      @Override
      public void settle(long token, Settlement settlement) {}

      @Override
      public void close() {
        consumer.close();
      }
    };
  }

  private static byte[] keyOf(Message message) {
    String subject = message.getProperties() == null ? null : message.getProperties().getSubject();
    return subject == null ? null : subject.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    environment.close();
  }
}

import java.util.Arrays;
import java.util.Map;

/** Kafka's Java client with a fault in it: every fiftieth message that comes is lost, doubled, damaged, or kept back until the next. */
final class PlantedFaults implements Client {
  private static final int EVERY = 50;

  private final Client client;
  private final String fault;

  PlantedFaults(Map<String, String> options) {
    client = new KafkaGroups(options);
    fault = options.get("fault");
  }

  @Override
  public Map<String, String> settings() {
    return client.settings();
  }

  @Override
  public void createTopic(String name, int partitions) throws Exception {
    client.createTopic(name, partitions);
  }

  @Override
  public void deleteTopic(String name) throws Exception {
    client.deleteTopic(name);
  }

  @Override
  public void createSubscription(Subscription subscription) throws Exception {
    client.createSubscription(subscription);
  }

  @Override
  public void deleteSubscription(String name) throws Exception {
    client.deleteSubscription(name);
  }

  @Override
  public Publisher publisher(String topic, int window, Settled settled) throws Exception {
    return client.publisher(topic, window, settled);
  }

  @Override
  public Consumption consume(String subscription, Taking taking, Receiver receiver) throws Exception {
    return client.consume(subscription, taking, new Faulty(receiver));
  }

  @Override
  public void close() throws Exception {
    client.close();
  }

  private final class Faulty implements Receiver {
    private final Receiver receiver;
    private int count;
    private Delivery kept;

    Faulty(Receiver receiver) {
      this.receiver = receiver;
    }

    @Override
    public void received(Delivery delivery) {
      boolean isProbe = delivery.value().length < 12;
      boolean isHit = !isProbe && ++count % EVERY == 0;
      if (!isHit) receiver.received(delivery);
      if (!isHit) handKept();
      else hit(delivery);
    }

    private void hit(Delivery delivery) {
      switch (fault) {
        case "lose" -> {}
        case "double" -> {
          receiver.received(delivery);
          receiver.received(delivery);
        }
        case "damage" -> {
          byte[] value = Arrays.copyOf(delivery.value(), delivery.value().length);
          value[value.length - 1] ^= 1;
          receiver.received(new Delivery(0, delivery.key(), value, 0, 0, 0, null));
        }
        case "swap" -> kept = delivery;
        default -> throw new IllegalArgumentException(fault);
      }
    }

    private void handKept() {
      if (kept != null) receiver.received(kept);
      kept = null;
    }

    @Override
    public void failed(Throwable reason) {
      receiver.failed(reason);
    }
  }
}

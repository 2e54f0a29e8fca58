import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Answers and delivers at once, without any broker: what the load program itself can do at most. */
final class NullClient implements Client {
  private final Map<String, Receiver> receivers = new ConcurrentHashMap<>();
  private final Map<String, String> topics = new ConcurrentHashMap<>();

  @Override
  public Map<String, String> settings() {
    return Map.of();
  }

  @Override
  public void createTopic(String name, int partitions) {}

  @Override
  public void deleteTopic(String name) {}

  @Override
  public void createSubscription(Subscription subscription) {
    topics.put(subscription.name(), subscription.topic());
  }

  @Override
  public void deleteSubscription(String name) {
    topics.remove(name);
  }

  @Override
  public Publisher publisher(String topic, int window, Settled settled) {
    return new Publisher() {
      @Override
      public void publish(int number, byte[] key, byte[] value) {
        settled.settled(number, Settled.ACKED, null);
        Delivery delivery = new Delivery(0, key, value, 0, 0, 1, false);
        for (Map.Entry<String, Receiver> entry : receivers.entrySet())
          if (topic.equals(topics.get(entry.getKey()))) entry.getValue().received(delivery);
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public Consumption consume(String subscription, Taking taking, Receiver receiver) {
    receivers.put(subscription, receiver);
    return new Consumption() {
      @Override
      public void settle(long token, Settlement settlement) {}

      @Override
      public void close() {
        receivers.remove(subscription);
      }
    };
  }

  @Override
  public void close() {}
}

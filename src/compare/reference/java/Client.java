import java.util.Map;

/** What the programs can ask of a broker's client: one class for each client, in that client's own idiom. */
interface Client extends AutoCloseable {
  /** The settings that matter for a result, by their own names. */
  Map<String, String> settings();

  void createTopic(String name, int partitions) throws Exception;

  void deleteTopic(String name) throws Exception;

  /** Returns when every later publish will reach it. */
  void createSubscription(Subscription subscription) throws Exception;

  void deleteSubscription(String name) throws Exception;

  /** At most {@code window} messages will be unanswered at once. */
  Publisher publisher(String topic, int window, Settled settled) throws Exception;

  Consumption consume(String subscription, Taking taking, Receiver receiver) throws Exception;

  /** A subscription as it is asked for. {@code maxAttempts} is 0 where nothing was said. */
  record Subscription(String name, String topic, boolean fromStart, int maxAttempts) {}

  /** {@code ackBatch} above 0: taken as done when the receiver returns, up to so many settled at once. 0: each is settled by its own. */
  record Taking(int credit, int ackBatch) {}

  /** Called once for each message, by any thread. */
  interface Settled {
    byte ACKED = 0;
    /** Certainly not stored. */
    byte REFUSED = 1;
    byte UNKNOWN = 2;

    void settled(int number, byte fate, String code);
  }

  interface Publisher extends AutoCloseable {
    /** One thread only. {@code number} comes back with the answer; a key of null is none. */
    void publish(int number, byte[] key, byte[] value);

    @Override
    void close() throws Exception;
  }

  interface Receiver {
    /** One consumer calls this from one thread at a time. {@code token} settles it where each is settled by its own. */
    void received(Delivery delivery);

    /** The consumer ended by itself. */
    void failed(Throwable reason);
  }

  /** {@code attempt} is 0 and {@code redelivered} null where the broker says nothing of the kind. */
  record Delivery(
      long token, byte[] key, byte[] value, int partition, long offset, int attempt, Boolean redelivered) {}

  interface Consumption extends AutoCloseable {
    void settle(long token, Settlement settlement) throws Exception;

    /** Gives back what was not settled. Idempotent. */
    @Override
    void close() throws Exception;
  }

  enum Settlement {
    ACK,
    NACK,
    REJECT
  }

  /** There is no such thing there: an answer, not a failure. */
  final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }
}

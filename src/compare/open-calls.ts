/** Calls to another process that wait for their answers, each by its number. */
export class OpenCalls<Answer> {
  readonly #open = new Map<number, { resolve: (answer: Answer) => void; reject: (reason: Error) => void }>();
  #lastId = 0;
  #endedWith: Error | undefined;

  /** `send` gets the number of the call. Resolves or rejects as it is answered, failed or ended; after `end` at once, without sending. */
  async ask(send: (id: number) => void): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      if (this.#endedWith !== undefined) {
        reject(this.#endedWith);
        return;
      }
      const id = ++this.#lastId;
      this.#open.set(id, { resolve, reject });
      send(id);
    });
  }

  /** Of a call that is over it says nothing; so does `fail`. */
  answer(id: number, answer: Answer): void {
    this.#open.get(id)?.resolve(answer);
    this.#open.delete(id);
  }

  fail(id: number, reason: Error): void {
    this.#open.get(id)?.reject(reason);
    this.#open.delete(id);
  }

  /** The process is gone: every open call fails by this reason, and every later one. */
  end(reason: Error): void {
    this.#endedWith = reason;
    for (const { reject } of this.#open.values()) reject(reason);
    this.#open.clear();
  }
}

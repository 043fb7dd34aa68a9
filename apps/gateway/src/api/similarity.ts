/** How alike the answers of a mirror are since the gateway started: the mean of what was compared. */
export class Similarity {
  #sum = 0
  #compared = 0

  add(similarity: number | undefined): void {
    if (similarity === undefined) return
    this.#sum += similarity
    this.#compared++
  }

  /** 0 to 1; null while nothing has been compared. */
  get mean(): number | null {
    return this.#compared === 0 ? null : this.#sum / this.#compared
  }
}

/** Dollars for a stretch of the UTC calendar, weeks from Monday; `total`: once and for all. */
export interface Budget {
  readonly usd: number;
  readonly per: 'day' | 'week' | 'month' | 'total';
}

/** What a key, a team or a model may use. Null: as much as it likes. */
export interface LimitTerms {
  /** Requests in any 60 seconds. */
  readonly rpm: number | null;
  /** Tokens in any 60 seconds, prompt and answer together. */
  readonly tpm: number | null;
  /** Requests at a time. */
  readonly concurrency: number | null;
  readonly budget: Budget | null;
}

/** The owner of keys, whose limits all of them share. A key belongs to the team that its `owner` names, if there is one. */
export interface Team extends LimitTerms {
  readonly name: string;
}

/** What was set aside for a request before its upstream call, until it is known what it came to. */
export interface Reservation {
  /** Owed once, however the request ended. Does not wait and does not throw. */
  settle(truth: SettledUse): void;
}

export interface SettledUse {
  /** Of prompt and answer, all attempts together. */
  readonly tokens: number;
  /** Integer nano-dollars, as far as prices are known. */
  readonly costNanoUsd: number;
}

/** Of the limit that binds: what clients read in `x-ratelimit-*`. Undefined: there is no such limit. */
export interface LimitStanding {
  readonly requests?: WindowStanding;
  readonly tokens?: WindowStanding;
}

export interface WindowStanding {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the window is as if nothing had been used. */
  readonly resetMs: number;
}

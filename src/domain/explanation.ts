/** What would become of a request, for `x-parley-explain`. Nothing was sent. */
export interface Explanation {
  readonly object: 'explanation';
  /** The model name the client asked for. */
  readonly model: string;
  /** In the order in which they would be tried. */
  readonly plan: readonly PlannedDeployment[];
  /** Without secrets. Null: none would be sent, as a parameter is refused, or the provider opens no connection. */
  readonly upstream_request: ShownRequest | null;
  /** Every parameter that the client sent, and the places below where something is changed. */
  readonly params: readonly ExplainedParam[];
  readonly estimate: Estimate;
  /** Every limit that the request counts against: of its key, of the key's team, and of the model name. */
  readonly limits: readonly ExplainedLimit[];
}

/** A limit, and whether it would refuse the request now. */
export interface ExplainedLimit {
  readonly scope: 'key' | 'team' | 'model';
  readonly kind: 'rpm' | 'tpm' | 'concurrency' | 'budget';
  readonly would_bind: boolean;
}

/** A deployment of the route, and whether it would be tried first. */
export interface PlannedDeployment {
  readonly provider: string;
  /** The id that would be sent to it. */
  readonly model: string;
  readonly chosen: boolean;
  /** Why it is not the one. */
  readonly reason?: string;
}

/** What would go over the wire, with every secret masked. */
export interface ShownRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What would become of one parameter. */
export interface ExplainedParam {
  /** As in `tools`, `messages[0].name`. */
  readonly path: string;
  readonly treatment: 'forwarded' | 'adapted' | 'dropped' | 'refused';
  readonly to?: string;
  readonly reason?: string;
}

/** What the request may come to, before anybody has counted. */
export interface Estimate {
  /** By its length, as what the provider reported of earlier ones teaches; media count as much as they usually come to. */
  readonly prompt_tokens: number;
  /** As asked for, else the most the model gives; null: not known. */
  readonly max_completion_tokens: number | null;
  /** If all of these tokens are used; null: the price or the longest answer is not known. */
  readonly cost_usd: number | null;
}

import { Buffer } from 'node:buffer';

/** The log probabilities of one choice, as OpenAI writes them. */
export interface Logprobs {
  readonly content: readonly TokenLogprob[] | null;
  readonly refusal: null;
}

interface TokenLogprob extends Candidate {
  readonly top_logprobs: readonly Candidate[];
}

interface Candidate {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

const OTHERS = [
  ' the',
  ' a',
  ' of',
  ' to',
  ' in',
  ' and',
  ' is',
  ' it',
  ' that',
  ' for',
  ' on',
  ' with',
  ' as',
  ' at',
  ' by',
  ' an',
  ' be',
  ' or',
  ' no',
];

/** Made-up log probabilities of plausible shape: the written token leads, the others fall off behind it. */
export function logprobsOf(pieces: readonly string[] | null, top: number): Logprobs {
  return { content: pieces?.map((piece) => tokenLogprob(piece, top)) ?? null, refusal: null };
}

function tokenLogprob(token: string, top: number): TokenLogprob {
  const written = candidate(token, -0.01 * (1 + (token.length % 7)));
  const others = OTHERS.filter((other) => other !== token).map((other, rank) => candidate(other, -3 - rank / 2));
  return { ...written, top_logprobs: [written, ...others].slice(0, top) };
}

function candidate(token: string, logprob: number): Candidate {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

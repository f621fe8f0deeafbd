/**
 * Reasoning written into the text as `<think>…</think>` at its beginning. Some models leave out the opening tag
 * because their prompt template has it already; that form is only seen once the whole text is there.
 */
export interface Split {
  readonly thinking: string;
  readonly text: string;
}

const OPEN = '<think>';
const CLOSE = '</think>';

export function splitThinking(content: string): Split | undefined {
  const body = content.trimStart();
  const open = body.startsWith(OPEN);
  const close = body.indexOf(CLOSE);
  if (close === -1) return open ? { thinking: body.slice(OPEN.length), text: '' } : undefined;
  if (!open && body.includes(OPEN)) return undefined; // tags in the middle of the text are the text's own
  return { thinking: body.slice(open ? OPEN.length : 0, close), text: body.slice(close + CLOSE.length).trimStart() };
}

/** Where a stream stands: is this the beginning, inside the thinking, just after it, or in plain text? */
export interface ThinkState {
  readonly phase: 'start' | 'thinking' | 'after' | 'text';
  /** What cannot be told apart yet: white space, or a part of a tag. */
  readonly held: string;
}

export const THINK_START: ThinkState = { phase: 'start', held: '' };

export interface ThinkStep {
  readonly state: ThinkState;
  readonly thinking: string;
  readonly text: string;
}

/** Takes the next piece of text; what might still become a tag is held back. */
export function stepThinking(state: ThinkState, piece: string): ThinkStep {
  const all = state.held + piece;
  switch (state.phase) {
    case 'start': {
      const body = all.trimStart();
      if (body.startsWith(OPEN)) return stepThinking({ phase: 'thinking', held: '' }, body.slice(OPEN.length));
      if (OPEN.startsWith(body)) return { state: { phase: 'start', held: all }, thinking: '', text: '' };
      return { state: { phase: 'text', held: '' }, thinking: '', text: all };
    }
    case 'thinking': {
      const close = all.indexOf(CLOSE);
      if (close !== -1) {
        const rest = stepThinking({ phase: 'after', held: '' }, all.slice(close + CLOSE.length));
        return { ...rest, thinking: all.slice(0, close) };
      }
      const keep = partialTag(all);
      return {
        state: { phase: 'thinking', held: all.slice(all.length - keep) },
        thinking: all.slice(0, all.length - keep),
        text: '',
      };
    }
    case 'after': {
      const text = all.trimStart();
      return { state: { phase: text === '' ? 'after' : 'text', held: '' }, thinking: '', text };
    }
    case 'text':
      return { state, thinking: '', text: all };
  }
}

/** What was held back when the stream ends belongs to where it stood. */
export function endThinking({ phase, held }: ThinkState): Split {
  return phase === 'thinking' ? { thinking: held, text: '' } : { thinking: '', text: held };
}

/** How many characters at the end could be the beginning of the closing tag. */
function partialTag(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(CLOSE.slice(0, length))) return length;
  return 0;
}

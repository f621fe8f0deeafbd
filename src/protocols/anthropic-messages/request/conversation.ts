import type { ChatMessage } from '../../../domain/chat.js';
import { InvalidRequestError } from '../../../domain/errors.js';
import type { Block, ContentBlock, TextBlock, ToolUseBlock, Turn } from '../wire.js';
import { cacheControlOf, markedLast, unmarked } from './cache.js';
import { contentBlocks, textBlocks } from './content-parts.js';
import { CallIds, OpenCalls } from './tool-calls.js';
import { earlierCalls, resultKey } from '../../request/earlier-calls.js';
import { unsupportedValue } from '../../claude/claude-request.js';
import { replayedThinking, withoutThinking } from '../../claude/replayed-thinking.js';
import { inOrder, type TurnForm } from '../../claude/turn-order.js';
import type { Translation } from './translation.js';

/** A conversation as the Messages API takes it, and what the rest of the request must know of it. */
export interface Conversation {
  readonly system: readonly TextBlock[];
  readonly turns: readonly Turn[];
  /** Tools that were called: their definitions must be there, asked for or not. */
  readonly calledTools: readonly string[];
  readonly replaysThinking: boolean;
  /** The last turn of the assistant called tools and shows no thinking. */
  readonly lacksThinking: boolean;
  /** The last turn is the beginning of the answer. */
  readonly prefilled: boolean;
}

const isSystem = ({ role }: ChatMessage): boolean => role === 'system' || role === 'developer';

/** Messages in Anthropic's order (Anthropic reference §2.2). Throws InvalidRequestError for what has no form there. */
export function conversationOf(translation: Translation): Conversation {
  const { messages } = translation.request;
  const firstTurn = messages.findIndex((message) => !isSystem(message));
  const opening = firstTurn === -1 ? messages : messages.slice(0, firstTurn);
  const system = opening.flatMap((message, index) => systemBlocks(message, index, translation));
  const builder = new TurnBuilder(translation);
  if (firstTurn !== -1) for (let at = firstTurn; at < messages.length; at += 1) builder.add(messages[at], at);
  return { system, ...builder.done() };
}

function systemBlocks(message: ChatMessage, index: number, translation: Translation): readonly TextBlock[] {
  dropName(message, index, translation);
  const blocks = contentBlocks(message.content, `messages[${index}].content`, translation);
  const text = blocks.filter(isText);
  if (text.length < blocks.length) throw unsupportedValue(`messages[${index}].content`, 'A system message is text.');
  return markedLast(text, cacheControlOf(message));
}

const isText = (block: ContentBlock): block is TextBlock => block.type === 'text';

const DEEPEST_INPUT = 200;

const TURN_FORM: TurnForm<Block> = {
  thinking: (block) => block,
  text: textBlocks,
  plainText: (block) => (block.type === 'text' && block.cache_control === undefined ? block.text : undefined),
};

interface OpenTurn {
  readonly role: Turn['role'];
  readonly content: Block[];
}

/** Puts messages into turns one after the other. */
class TurnBuilder {
  readonly #turns: OpenTurn[] = [];
  readonly #ids = new CallIds();
  readonly #calledTools = new Set<string>();
  /** The calls of the assistant's last turn, until the results that go first into the next one are all known. */
  #calls: OpenCalls | undefined;
  /** What came after those calls beside their results. */
  #afterCalls: Block[] = [];
  #replaysThinking = false;
  #lastShowsThinking = false;
  #lastCalledTools = false;

  constructor(private readonly translation: Translation) {}

  add(message: ChatMessage | undefined, index: number): void {
    switch (message?.role) {
      case undefined:
        return;
      case 'system':
      case 'developer':
        return this.#system(message, index);
      case 'user':
        return this.#user(message, index);
      case 'assistant':
        return this.#assistant(message, index);
      case 'tool':
      case 'function':
        return this.#result(message, index);
    }
  }

  done(): Omit<Conversation, 'system'> {
    this.#closeCalls();
    if (this.#turns[0]?.role !== 'user') {
      this.translation.adapt('messages', 'a turn of the user before all others', 'a conversation begins with the user');
      this.#turns.unshift({ role: 'user', content: [PLACEHOLDER] });
    }
    const prefilled = this.#turns.at(-1)?.role === 'assistant';
    if (prefilled) this.#trimPrefill();
    return {
      turns: this.#turns,
      calledTools: [...this.#calledTools],
      replaysThinking: this.#replaysThinking,
      lacksThinking: this.#lastCalledTools && !this.#lastShowsThinking,
      prefilled,
    };
  }

  /** Newer models refuse to go on with a text of the client's; the others refuse white space at its end. */
  #trimPrefill(): void {
    const index = this.translation.request.messages.findLastIndex(({ role }) => role === 'assistant');
    if (!this.translation.claude.prefill)
      throw unsupportedValue(
        `messages[${index}]`,
        'The model that serves this request does not go on with a message of the assistant: the last one must be of another role.',
      );
    const content = this.#turns.at(-1)?.content ?? [];
    const last = content.at(-1);
    if (last?.type === 'text') content[content.length - 1] = { ...last, text: last.text.trimEnd() };
  }

  /** Between the turns it stays where it is: at the top it would mean something else. */
  #system(message: ChatMessage, index: number): void {
    const blocks = systemBlocks(message, index, this.translation);
    if (blocks.length === 0) return;
    const follows = this.#calls?.answered ?? this.#turns.at(-1)?.role !== 'assistant';
    if (this.translation.claude.systemInPlace && follows) {
      this.#closeCalls();
      this.#append('system', blocks);
      return;
    }
    this.translation.adapt(`messages[${index}].role`, 'user', 'the model takes no system text between the turns');
    this.#append(
      'user',
      blocks.map((block) => ({ ...block, text: `<system>\n${block.text}\n</system>` })),
    );
  }

  #user(message: ChatMessage, index: number): void {
    dropName(message, index, this.translation);
    const blocks = contentBlocks(message.content, `messages[${index}].content`, this.translation);
    if (blocks.length === 0)
      throw new InvalidRequestError('This message has no content: text must hold more than white space.', {
        param: `messages[${index}].content`,
      });
    this.#append('user', markedLast(blocks, cacheControlOf(message)));
  }

  #assistant(message: ChatMessage, index: number): void {
    // Two messages of the assistant in a row are one turn, and may share what answers them.
    if (this.#calls?.untouched !== true || this.#afterCalls.length > 0) this.#closeCalls();
    dropName(message, index, this.translation);
    if (message['audio'] != null) this.translation.drop(`messages[${index}].audio`);
    const path = `messages[${index}]`;
    const { translation } = this;
    const thinking = replayedThinking(message, { path, target: translation.target, report: translation });
    const text = contentBlocks(withoutThinking(message.content), `${path}.content`, translation);
    const content = [...text, ...textBlocks(message['refusal'])];
    const uses = this.#toolUses(message, index);
    if (content.length === 0 && uses.length === 0) {
      if (thinking.length > 0) this.translation.drop(`messages[${index}]`, 'thinking alone is no turn');
      return;
    }
    if (this.#turns.at(-1)?.role !== 'assistant') this.#lastShowsThinking = this.#lastCalledTools = false;
    this.#append('assistant', markedLast(inOrder({ thinking, content, uses }, TURN_FORM), cacheControlOf(message)));
    this.#replaysThinking ||= thinking.length > 0;
    this.#lastShowsThinking ||= thinking.length > 0;
    this.#lastCalledTools ||= uses.length > 0;
  }

  #toolUses(message: ChatMessage, index: number): readonly ToolUseBlock[] {
    const place = { path: `messages[${index}]`, report: this.translation, deepest: DEEPEST_INPUT };
    return earlierCalls(message, place).map(({ key, name, input, path }) => {
      const use: ToolUseBlock = { type: 'tool_use', id: this.#ids.next(key), name, input };
      this.#calls ??= new OpenCalls();
      this.#calls.add(key, use, path);
      this.#calledTools.add(name);
      return use;
    });
  }

  #result(message: ChatMessage, index: number): void {
    if (message.role === 'tool') dropName(message, index, this.translation);
    const parts = contentBlocks(message.content, `messages[${index}].content`, this.translation);
    const { content, inner } = unmarked(parts);
    const mark = cacheControlOf(message) ?? inner;
    const known = this.#calls?.answer(resultKey(message), {
      type: 'tool_result',
      ...(content.length > 0 && { content }),
      ...(message['is_error'] === true && { is_error: true as const }),
      ...(mark && { cache_control: mark }),
    });
    if (known === undefined) this.translation.drop(`messages[${index}]`, 'it answers no call of the turn before it');
    if (known === 'again')
      this.translation.adapt(`messages[${index}]`, 'the only result', 'a call has one result: the last');
  }

  /** A turn of the same role goes on; what follows calls waits for their results, which come first. */
  #append(role: Turn['role'], blocks: readonly Block[]): void {
    const last = this.#turns.at(-1);
    if (this.#calls !== undefined && role === 'user') for (const block of blocks) this.#afterCalls.push(block);
    else if (last?.role === role) for (const block of blocks) last.content.push(block);
    else this.#turns.push({ role, content: [...blocks] });
  }

  #closeCalls(): void {
    if (this.#calls === undefined) return;
    for (const path of this.#calls.unanswered)
      this.translation.adapt(path, 'a call with a result that says there is none', 'every call needs its result');
    const content = [...this.#calls.results, ...this.#afterCalls];
    this.#calls = undefined;
    this.#afterCalls = [];
    this.#append('user', content);
  }
}

/** Messages have no names there. */
function dropName({ name }: ChatMessage, index: number, translation: Translation): void {
  if (name !== undefined && name !== null) translation.drop(`messages[${index}].name`);
}

const PLACEHOLDER: TextBlock = { type: 'text', text: '.' };

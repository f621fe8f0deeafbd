import { expect, jest } from '@jest/globals';

export interface Refusal {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
}

/** An answer, however it was fetched. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Checks what every refusal must have, whatever was wrong, and that it says just what was wrong. */
export function expectRefusal({ status, headers, body }: Answered, expected: Refusal): void {
  expect({ status, body: status === expected.status ? '' : body }).toEqual({ status: expected.status, body: '' });
  const { error, ...rest } = JSON.parse(body) as { error: Record<string, unknown> };
  expect(rest).toEqual({});
  expect(error).toEqual({
    message: expect.stringMatching(/\S/),
    type: expect.stringMatching(/^[a-z_]+$/),
    code: expected.code,
    param: expected.param,
  });
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'x-request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
    'x-should-retry': 'false',
  });
  expect(body).not.toMatch(/\\n +at |node_modules|\.[jt]s:\d/); // a stack trace, or a part of one
}

export interface CapturedLog {
  /** All that was logged so far. */
  text(): string;
  stop(): void;
}

/** Keeps what a gateway that is started from now on writes to its log, instead of showing it. */
export function captureLog(): CapturedLog {
  const lines: string[] = [];
  // pino writes past `process.stdout`, straight to the file, unless somebody has put a hand on it.
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((line) => {
    lines.push(line.toString());
    return true;
  });
  return { text: () => lines.join(''), stop: () => spy.mockRestore() };
}

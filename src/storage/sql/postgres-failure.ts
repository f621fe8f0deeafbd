/** What PostgreSQL's error codes say of a row and of nothing else: data, constraints, or more than an index entry holds. */
const OWN_FAULTS = /^(21|22|23|54)/;
/** Two transactions stood in each other's way: the same again may succeed at once. */
const IN_THE_WAY = new Set(['40001', '40P01']);

/** Whether it failed for the sake of a row, and would take others. */
export const isRowsFault = (error: unknown): boolean => OWN_FAULTS.test(codeOf(error));

export const isInTheWay = (error: unknown): boolean => IN_THE_WAY.has(codeOf(error));

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

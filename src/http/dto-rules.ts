import { getMetadataStorage, ValidationTypes } from 'class-validator';

export type DtoClass = new () => object;

/** Rules on whether a field is there at all; `hold` settles these itself. */
const PRESENCE: readonly string[] = [ValidationTypes.CONDITIONAL_VALIDATION, ValidationTypes.IS_DEFINED];

type Check = (value: unknown, body: object) => boolean;

interface FieldRules {
  readonly name: string;
  /** `null` and absence are fine. */
  readonly optional: boolean;
  readonly holds: readonly Check[];
}

/**
 * The rules that class-validator keeps of a DTO, taken from its storage once. `validateSync` sorts through the whole
 * storage at every call, and visits every field that could be there; this visits the ones that are.
 */
export class DtoRules {
  readonly fields: readonly string[];
  readonly #rules: readonly FieldRules[];

  constructor(private readonly dto: DtoClass) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
    this.fields = [...new Set(metadata.map(({ propertyName }) => propertyName))];
    this.#rules = this.fields.map((name) => {
      const own = metadata.filter(({ propertyName }) => propertyName === name);
      const optional = own.some(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
      const checks = own.filter(({ type }) => !PRESENCE.includes(type));
      return { name, optional, holds: checks.flatMap((check) => this.#compiled(check)) };
    });
  }

  /** Whether every rule holds. What is wrong, and how to say it, is for `validateSync` to find out. */
  hold(body: object): boolean {
    return this.#rules.every(({ name, optional, holds }) => {
      const value = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined;
      if (value === undefined || value === null) return optional;
      return holds.every((holdsFor) => holdsFor(value, body));
    });
  }

  #compiled(check: RuleMetadata): readonly Check[] {
    const { type, each, constraintCls, constraints, propertyName: property } = check;
    const plain = type === ValidationTypes.CUSTOM_VALIDATION && !each;
    // Nested objects and rules for each element are left to `validateSync`: no field of the hot path has them.
    if (!plain) return [() => false];
    const targetName = this.dto.name;
    return getMetadataStorage()
      .getTargetValidatorConstraints(constraintCls)
      .map(
        ({ instance }) =>
          (value, object) =>
            instance.validate(value, { constraints, property, targetName, value, object }) === true,
      );
  }
}

type RuleMetadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

import { IsDefined, Matches } from 'class-validator';
import { Name } from '../body-rules.js';
import { LimitTermsDto } from '../limit-terms.js';

/** `POST /admin/teams`. */
export class CreateTeamDto extends LimitTermsDto {
  static readonly closed = true;

  @IsDefined({ message: 'this parameter is required' })
  @Name()
  // Clients take these out of a path, however they are escaped: nobody could change or delete such a team.
  @Matches(/^(?!\.\.?$)/, { message: 'must not be `.` or `..`' })
  readonly name!: string;
}

/** `PATCH /admin/teams/{name}`. What is absent stays as it is, `null` clears; keys go by the name, so it stays. */
export class ChangeTeamDto extends LimitTermsDto {
  static readonly closed = true;
}

import { BlockList, isIP } from 'node:net';

/** The addresses and blocks (`10.0.0.0/8`, `::1`) a key may be used from. */
export class AllowedAddresses {
  readonly #list = new BlockList();

  /** Throws RangeError for what `isAddressBlock` refuses. */
  constructor(blocks: readonly string[]) {
    for (const text of blocks) {
      const block = parseBlock(text);
      if (block === undefined) throw new RangeError(`Neither an IP address nor a block of addresses: ${text}`);
      this.#list.addSubnet(block.address, block.prefix, block.family);
    }
  }

  /** `::ffff:10.0.0.1` is 10.0.0.1. A connection without an address has been closed already. */
  has(address: string | undefined): boolean {
    const family = address === undefined ? undefined : familyOf(withoutZone(address));
    return address !== undefined && family !== undefined && this.#list.check(withoutZone(address), family);
  }
}

/** Is it an IP address, or one with the length of a prefix? */
export function isAddressBlock(text: string): boolean {
  return parseBlock(text) !== undefined;
}

interface Block {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

function parseBlock(text: string): Block | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const family = familyOf(address);
  if (family === undefined || rest.length > 0) return undefined;
  const longest = family === 'ipv4' ? 32 : 128;
  if (length === undefined) return { address, prefix: longest, family };
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return prefix <= longest ? { address, prefix, family } : undefined;
}

function familyOf(address: string): Block['family'] | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}

/** Link-local addresses come with the interface they were seen on: `fe80::1%eth0`. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}

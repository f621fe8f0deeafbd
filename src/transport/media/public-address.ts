import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** All that is given out of IPv6 so far; what lies beyond has no public use. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** RFC 6052: an IPv4 address follows, and a gateway of the network takes us to it. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Azure's host agent, which every machine there reaches under an address that looks public. */
const PLATFORM = new Set(['168.63.129.16']);

/** Is it an address of the public internet, of one machine, and not of ours? */
export function isPublicAddress(text: string): boolean {
  // ipaddr.js takes octal, hexadecimal and shortened forms, too; no public address has a zone.
  if (isIP(text) === 0 || text.includes('%')) return false;
  const address = innermost(ipaddr.parse(text));
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv6 && (!address.match(GLOBAL_IPV6) || isIsatap(address))) return false;
  return !PLATFORM.has(address.toString()) && !isOwn(address);
}

/** The IPv4 address that is meant, where that is certain. Other embeddings have ranges of their own, and none is public. */
function innermost(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(-4)) : address;
}

/** RFC 5214: under any prefix, the IPv4 address of a machine in the same site follows. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return (parts[4] === 0 || parts[4] === 0x200) && parts[5] === 0x5efe;
}

/** What listens on this machine may be shut to the outside and open to us. */
function isOwn(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const text = address.toNormalizedString();
  return Object.values(networkInterfaces()).some((those) =>
    those?.some(({ address: own }) => ipaddr.isValid(own) && ipaddr.parse(own).toNormalizedString() === text),
  );
}

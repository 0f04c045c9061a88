/** Runs before the tests of the project `frozen`: whoever writes to a shared prototype, by accident or on purpose, fails. */
for (const shared of [Object, Array, Map, Set, Promise]) Object.freeze(shared.prototype);

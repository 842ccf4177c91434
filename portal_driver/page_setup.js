/* Runs in every document before its own scripts.
 *
 * Custom elements may close their shadow trees to scripts, though not to eyes: here they stay readable.
 */
(() => {
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function attachShadow(init) {
    return attach.call(this, { ...init, mode: "open" });
  };
})();

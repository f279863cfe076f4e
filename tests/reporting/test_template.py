"""Scripts in a page lose their comments, and nothing else."""

from dressform.reporting.page.template import without_comments


def test_comments_with_lines_of_their_own_are_left_out() -> None:
    script = """// What it is.

/**
 * A function.
 * @param {number} x
 */
export function f(x) {
  // why
  const y = /** @type {const} */ (["a", "// not a comment"]); // stays
  /** @type {Element} */ (y).remove();
  /** @type {number[]} */
  const z = [x];
  return `http://${z}`;
}
"""
    assert (
        without_comments(script)
        == """
export function f(x) {
  const y = /** @type {const} */ (["a", "// not a comment"]); // stays
  /** @type {Element} */ (y).remove();
  const z = [x];
  return `http://${z}`;
}
"""
    )

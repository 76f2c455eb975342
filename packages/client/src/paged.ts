/** A page of a list, and where the next one begins. */
interface Page<Item> {
  items: Item[];
  next_cursor?: string | undefined;
}

/** The items of a list, page by page, up to `limit`. `fetchPage` is called with how many of them are left. */
export async function* paged<Item>(
  limit: number,
  fetchPage: (cursor: string | undefined, left: number) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined;
  for (let left = limit; left > 0;) {
    const { items, next_cursor } = await fetchPage(cursor, left);
    yield* items.slice(0, left);
    left -= items.length;
    if (next_cursor === undefined) return;
    cursor = next_cursor;
  }
}

/** The most items that a page holds. */
const MAX_PAGE = 100;

/** The query of a page. */
export const pageQuery = (cursor: string | undefined, left: number): URLSearchParams =>
  new URLSearchParams({
    limit: String(Math.min(left, MAX_PAGE)),
    ...(cursor !== undefined && { cursor }),
  });

import { render, screen } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { describe, expect, it, vi } from "vitest";
import Button from "./Button.svelte";

const children = createRawSnippet(() => ({ render: () => "<span>Start</span>" }));

describe("a button", () => {
  it("that is out of use says why, stays reachable and does nothing", () => {
    const onclick = vi.fn();
    render(Button, { children, reason: "there is no key", onclick });
    const button = screen.getByRole("button");
    button.click();
    expect(onclick).not.toHaveBeenCalled();
    expect(button.getAttribute("aria-disabled")).toBe("true");
    expect(button.hasAttribute("disabled")).toBe(false);
    const described = document.getElementById(button.getAttribute("aria-describedby")!);
    expect(described?.textContent).toContain("there is no key");
  });
  it("does what it is for", () => {
    const onclick = vi.fn();
    render(Button, { children, onclick });
    screen.getByRole("button").click();
    expect(onclick).toHaveBeenCalledOnce();
  });
  it("is out of use while what it began is under way", () => {
    const onclick = vi.fn();
    render(Button, { children, busy: true, onclick });
    screen.getByRole("button").click();
    expect(onclick).not.toHaveBeenCalled();
    expect(screen.getByRole("button").getAttribute("aria-busy")).toBe("true");
  });
});

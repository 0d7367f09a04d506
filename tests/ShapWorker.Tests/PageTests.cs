using Microsoft.Playwright;
using Resilient.Redis.TestKit;

namespace ShapWorker.Tests;

/// <summary>The page in a real browser.</summary>
public sealed class PageTests : IAsyncLifetime
{
    private readonly List<string> _complaints = [];
    private TestServer? _redis;
    private ShapService? _service;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        if (ChromiumFactAttribute.Path is not { } chromium)
            return;
        _redis = await TestServer.StartAsync("--appendonly", "yes");
        _service = await ShapService.StartAsync(_redis);
        _playwright = await Playwright.CreateAsync();
        // A container's root has no sandbox; the page under test is our own.
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox"] });
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_service is not null)
            await _service.DisposeAsync();
        if (_redis is not null)
            await _redis.DisposeAsync();
    }

    [ChromiumFact]
    public async Task Penguin_is_filled_in_handed_in_and_explained()
    {
        var page = await OpenAsync();

        await page.GetByLabel("Chinstrap").CheckAsync();
        await page.GetByLabel("Female").CheckAsync();
        await page.GetByLabel("Island").SelectOptionAsync("Dream");
        await page.GetByLabel("Flipper length").FillAsync("192");
        await page.GetByLabel("Beak length").FillAsync("46.5");
        await page.GetByLabel("Beak depth").FillAsync("17.9");
        await page.GetByRole(AriaRole.Button, new() { Name = "Explain this penguin" }).ClickAsync();

        var picture = page.GetByRole(AriaRole.Img, new() { Name = "Why this penguin is predicted to weigh" });
        await picture.WaitForAsync();
        (await picture.TextContentAsync()).Should().ContainAll("Average prediction", "Chinstrap", "female", "Dream", "192 mm", "46.5 mm", "17.9 mm", "Prediction");
        (await page.Locator("#progress").TextContentAsync()).Should().Contain("completed");
        (await page.Locator("#rows tr").CountAsync()).Should().Be(8);
        (await page.Locator(".picture svg .wf-down").First.EvaluateAsync<string>("bar => getComputedStyle(bar).fill"))
            .Should().Be("rgb(23, 102, 176)", "the policy lets the picture's own style in");
        await Assertions.Expect(page.Locator("[data-count=totalCompleted]")).ToHaveTextAsync("1");
        await Assertions.Expect(page.Locator("#health")).ToHaveClassAsync("health good");
        _complaints.Should().BeEmpty();
    }

    [ChromiumFact]
    public async Task Every_example_is_a_penguin_that_the_service_accepts()
    {
        var page = await OpenAsync();
        var examples = await page.Locator("#example option:not([value=''])").CountAsync();

        for (var example = 0; example < examples; example++)
        {
            await page.Locator("#example").SelectOptionAsync($"{example}");
            await page.Locator("#submit").ClickAsync();
            await Assertions.Expect(page.Locator("[data-count=totalCompleted]")).ToHaveTextAsync($"{example + 1}", new() { Timeout = 10_000 });
            await Assertions.Expect(page.Locator("#truth")).ToContainTextAsync("On the scales this penguin weighed");
        }

        examples.Should().BeGreaterThan(3);
        _complaints.Should().BeEmpty();
    }

    [ChromiumFact]
    public async Task Wrong_field_is_marked_told_and_focused()
    {
        var page = await OpenAsync();

        await page.GetByLabel("Flipper length").FillAsync("999");
        await page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(page.Locator("#flipperLengthMm-error")).ToContainTextAsync("from 120 to 300");
        await Assertions.Expect(page.Locator("#failure")).ToContainTextAsync("some fields are wrong");
        await Assertions.Expect(page.GetByLabel("Flipper length")).ToBeFocusedAsync();
        await Assertions.Expect(page.GetByLabel("Flipper length")).ToHaveAttributeAsync("aria-invalid", "true");
    }

    [ChromiumFact]
    public async Task Dead_redis_is_told_on_the_page_and_the_next_try_works()
    {
        var page = await OpenAsync();

        await _redis!.KillAsync();
        await page.Locator("#submit").ClickAsync();
        await Assertions.Expect(page.Locator("#failure")).ToBeVisibleAsync(new() { Timeout = 20_000 });
        await Assertions.Expect(page.Locator("#health")).ToHaveClassAsync("health bad", new() { Timeout = 20_000 });

        await _redis.RestartAsync();
        await Assertions.Expect(page.Locator("#health")).ToHaveClassAsync("health good", new() { Timeout = 20_000 });
        await page.Locator("#submit").ClickAsync();
        await Assertions.Expect(page.Locator("#picture svg")).ToBeVisibleAsync(new() { Timeout = 20_000 });
        await Assertions.Expect(page.Locator("#failure")).ToBeHiddenAsync();
    }

    private async Task<IPage> OpenAsync()
    {
        var page = await _browser!.NewPageAsync(new() { ColorScheme = ColorScheme.Light });
        page.PageError += (_, error) => _complaints.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type is "error")
                _complaints.Add(message.Text);
        };
        await page.GotoAsync(_service!.Url.ToString());
        return page;
    }
}

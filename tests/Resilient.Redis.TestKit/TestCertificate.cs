using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Resilient.Redis.TestKit;

/// <summary>A certificate of 127.0.0.1 that signs itself, as files, for a server that speaks TLS.</summary>
public sealed class TestCertificate : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("resilient-redis-tls-");

    public TestCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }

    public string CertificateFile => Path.Combine(_folder.FullName, "cert.pem");

    public string KeyFile => Path.Combine(_folder.FullName, "key.pem");

    /// <summary>As Redis wants them, each with its name.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings(int port) =>
        [("tls-port", $"{port}"), ("tls-cert-file", CertificateFile), ("tls-key-file", KeyFile), ("tls-ca-cert-file", CertificateFile), ("tls-auth-clients", "no")];

    public void Dispose() => _folder.Delete(recursive: true);
}
